// SPDX-License-Identifier: Apache-2.0
/** Once a day, what the report lists of unused and standing identities is a finding. */
import { expect, it } from '@jest/globals';
import type { Found } from '../../src/detectors/rules.ts';
import { DetectorSweep } from '../../src/detectors/sweep.ts';
import type { Detector } from '../../src/store/findings.ts';
import type { MetricResult } from '../../src/store/reports.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const DAY = 86_400_000;

function world(off: readonly Detector[] = []) {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const found: Found[] = [];
  const state = { fails: false };
  const one = async (id: string): Promise<MetricResult> => {
    if (state.fails) throw new Error('no');
    return { id, offenders: [`spiffe://td/${id}`] } as unknown as MetricResult;
  };
  const sweep = new DetectorSweep({
    reports: { one },
    terms: () => ({ now: clock.now(), unusedSince: 0, keptSince: 0 }),
    isOn: (detector) => !off.includes(detector),
    report: (what) => void found.push(what),
    clock,
    log,
  });
  return { clock, log, found, state, sweep };
}

const names = (found: readonly Found[]): readonly string[] =>
  found.map(({ detector, identity }) => `${detector} ${identity}`);

it('comes ten minutes after the start, and then each day', async () => {
  const { clock, found } = world();
  await clock.advance(599_999);
  expect(found).toEqual([]);
  await clock.advance(1);
  const all = ['unused spiffe://td/unused', 'standing spiffe://td/legacy', 'standing spiffe://td/far-end'];
  expect(names(found)).toEqual(all);
  await clock.advance(DAY);
  expect(found).toHaveLength(6);
});

it('leaves out what is off', async () => {
  const { clock, found } = world(['standing']);
  await clock.advance(600_000);
  expect(names(found)).toEqual(['unused spiffe://td/unused']);
});

it('that fails is said, and comes again', async () => {
  const { clock, log, found, state } = world();
  state.fails = true;
  await clock.advance(600_000);
  expect([found.length, log.lines.length]).toEqual([0, 1]);
  state.fails = false;
  await clock.advance(DAY);
  expect(found).toHaveLength(3);
});

it('ends with the daemon', async () => {
  const { clock, found, sweep } = world();
  await sweep.close();
  await clock.advance(2 * DAY);
  expect(found).toEqual([]);
});
