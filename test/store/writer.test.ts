// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import { Op } from '../../src/store/sqlite/wire.ts';
import { Writer } from '../../src/store/sqlite/writer.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('writer');

it('I8: when the thread dies, what waits and what comes is refused, and the operator is told', async () => {
  const log = new RecordingLogger();
  // A folder that is not there: the thread cannot even begin.
  const nowhere = join(top, 'nowhere', 'assay.db');
  const setup = { databasePath: nowhere, markPath: `${nowhere}.mark`, synchronous: 'FULL', gate: undefined } as const;
  const writer = new Writer(setup, systemClock, log);
  const trouble: (Error | undefined)[] = [];
  writer.onTrouble((error) => trouble.push(error));
  const waiting = await refusalOfAsync(() => writer.run(Op.probe, []));
  const coming = await refusalOfAsync(() => writer.run(Op.probe, []));
  for (const refused of [waiting, coming]) {
    expect([refused.kind, refused.reason, refused.hint]).toEqual([
      'unavailable',
      'STORE_UNAVAILABLE',
      'restart the daemon',
    ]);
  }
  expect(trouble).toEqual([waiting]);
  expect(log.lines.map((line) => line.level)).toEqual(['error']);
  await writer.close(() => {});
});
