// SPDX-License-Identifier: Apache-2.0
/** Who asks for which tasks, over time: thresholds, what is forgotten, and what is made of it. */
import { describe, expect, it } from '@jest/globals';
import { Detectors } from '../../src/detectors/detectors.ts';
import { REMEMBERED, Recent } from '../../src/detectors/recent.ts';
import type { Asked } from '../../src/detectors/task-rules.ts';
import { DENIALS, IDENTITIES, TaskWatch } from '../../src/detectors/task-watch.ts';
import type { Detector, FindingRecord, NewFinding } from '../../src/store/findings.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const WITHIN_MS = 600_000;
const asked = (change: Partial<Asked> = {}): Asked => ({
  identity: 'spiffe://td/agent',
  task: 'T',
  pid: 7,
  uid: 1000,
  intents: [{ target: 'crm', action: 'drop', resource: null }],
  isHigh: false,
  refused: 'denied',
  deniedBy: ['default'],
  ...change,
});
const ALLOWED = { refused: undefined, deniedBy: [] } as const;

type Actions = Partial<Record<Detector, 'note' | 'require-approval' | 'suspend' | 'off'>>;

function world(actions: Actions = {}) {
  const clock = new FakeClock();
  const written: NewFinding[] = [];
  const suspended: string[] = [];
  const all = new Proxy(actions, { get: (known, name) => known[name as Detector] ?? 'note' });
  const detectors = new Detectors({
    findings: {
      report: async (finding) => {
        written.push(finding);
        return { ...finding, id: written.length } as unknown as FindingRecord;
      },
      seeBinary: async () => 'known',
    },
    reports: { one: async () => ({ offenders: [] }) as never },
    background: { look: () => Promise.reject(new Error('a test')) },
    holdersOf: () => [],
    actions: all as Required<Actions>,
    thresholds: { 'undeclared-intents': 5 },
    withinMs: WITHIN_MS,
    lent: (serial) =>
      serial === 'ab' ? { task: 'T', identity: 'spiffe://td/agent', subject: 'spiffe://td/agent/task/T' } : undefined,
    suspend: (identity, detector) => void suspended.push(`${detector} ${identity}`),
    terms: () => ({ now: 0, unusedSince: 0, keptSince: 0 }),
    clock,
    log: new RecordingLogger(),
  });
  const of = (detector: Detector) => written.filter((one) => one.detector === detector);
  return { clock, detectors, written, suspended, of };
}

describe('undeclared-intents', () => {
  it('is five refusals of one identity within ten minutes, and then five others', async () => {
    const { detectors, of, clock } = world();
    for (let n = 0; n < 4; n += 1) detectors.asked(asked());
    detectors.asked(asked({ identity: 'spiffe://td/other' }));
    detectors.asked(asked({ deniedBy: ['no-static-secrets'] }));
    expect(of('undeclared-intents')).toEqual([]);
    detectors.asked(asked({ task: 'T5' }));
    expect(of('undeclared-intents')).toMatchObject([{ identity: 'spiffe://td/agent', task: 'T5', count: 1 }]);
    for (let n = 0; n < 4; n += 1) detectors.asked(asked());
    await clock.advance(60_000);
    expect(of('undeclared-intents')).toHaveLength(1);
    detectors.asked(asked());
    await clock.advance(60_000);
    expect(of('undeclared-intents')).toHaveLength(2);
  });

  it('is not what is spread over a longer time', async () => {
    const { detectors, of, clock } = world();
    for (let n = 0; n < 20; n += 1) {
      detectors.asked(asked());
      await clock.advance(WITHIN_MS / 4);
    }
    expect(of('undeclared-intents')).toEqual([]);
  });
});

describe('escalation-after-deny', () => {
  it('is held against a denial for ten minutes, also where the wider ask is allowed', async () => {
    const { detectors, of, clock } = world();
    detectors.asked(asked({ task: 'T1' }));
    await clock.advance(WITHIN_MS - 1);
    detectors.asked(asked({ ...ALLOWED, task: 'T2', isHigh: true }));
    expect(of('escalation-after-deny')).toMatchObject([{ task: 'T2', evidence: { denied: 'T1' } }]);
    await clock.advance(1);
    detectors.asked(asked({ ...ALLOWED, identity: 'spiffe://td/agent', task: 'T3', isHigh: true }));
    await clock.advance(60_000);
    expect(of('escalation-after-deny')).toHaveLength(1);
  });

  it('is of one identity', () => {
    const { detectors, of } = world();
    detectors.asked(asked());
    detectors.asked(asked({ ...ALLOWED, identity: 'spiffe://td/other', isHigh: true }));
    expect(of('escalation-after-deny')).toEqual([]);
  });
});

describe('what is made of it', () => {
  it('I7: the identity is suspended where that is the action, each time, and nobody else', () => {
    const { detectors, suspended } = world({
      'intent-mismatch': 'suspend',
      'escalation-after-deny': 'require-approval',
    });
    detectors.asked(asked());
    detectors.asked(asked({ ...ALLOWED, isHigh: true }));
    expect(suspended).toEqual(['intent-mismatch spiffe://td/agent']);
    detectors.asked(asked());
    expect(suspended).toHaveLength(2);
  });

  it('I7: of what an ended task was given, the identity that it lent', () => {
    const { detectors, suspended, of } = world({ 'replay-after-revocation': 'suspend' });
    detectors.replayed({ kind: 'jwt', serial: 'ab', identity: 'spiffe://td/agent/task/T', by: 'uid:1' });
    expect(of('replay-after-revocation')).toMatchObject([{ identity: 'spiffe://td/agent', task: 'T' }]);
    expect(suspended).toEqual(['replay-after-revocation spiffe://td/agent']);
  });

  it('nothing, of what is off', () => {
    const { detectors, written, suspended } = world({ 'intent-mismatch': 'off', 'undeclared-intents': 'off' });
    for (let n = 0; n < 9; n += 1) detectors.asked(asked());
    expect([written, suspended]).toEqual([[], []]);
  });
});

describe('memory', () => {
  const clock = new FakeClock();

  it('I9: has a ceiling of pairs that are counted', () => {
    const recent = new Recent(clock, WITHIN_MS);
    for (let n = 0; n < REMEMBERED + 9; n += 1) recent.reaches('intent-mismatch', `spiffe://td/${n}`, 2);
    expect(recent.size).toBe(REMEMBERED);
    // The latest are those that are known.
    expect(recent.reaches('intent-mismatch', `spiffe://td/${REMEMBERED + 8}`, 2)).toBe(true);
    expect(recent.reaches('intent-mismatch', 'spiffe://td/0', 2)).toBe(false);
  });

  it('I9: has a ceiling of identities that were denied, and of the denials of one', () => {
    const evidence: unknown[] = [];
    const watch = new TaskWatch({
      isOn: (detector) => detector === 'escalation-after-deny',
      report: (found) => void evidence.push(found.evidence['denied']),
      withinMs: WITHIN_MS,
      clock,
    });
    for (let n = 0; n < IDENTITIES + 9; n += 1) watch.asked(asked({ identity: `spiffe://td/${n}` }));
    expect(watch.size).toBe(IDENTITIES);
    for (let n = 0; n <= DENIALS; n += 1) watch.asked(asked({ task: `T${n}` }));
    watch.asked(asked({ ...ALLOWED, isHigh: true }));
    expect(evidence).toEqual(['T1']);
  });
});
