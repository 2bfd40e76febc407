// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { PacedWarnings } from '../../src/telemetry/paced.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

it('I9: says one line a second of each sort, and how many it left out', async () => {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const warnings = new PacedWarnings(log, clock);
  for (let i = 0; i < 1_000; i += 1) warnings.warn('a', { i }, 'again');
  warnings.warn('b', {}, 'another');
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ i: 0 }, {}]);
  await clock.advance(1_000);
  warnings.warn('a', { i: 1_000 }, 'again');
  expect(log.lines.at(-1)?.fields).toEqual({ i: 1_000, skipped: 999 });
});
