// SPDX-License-Identifier: Apache-2.0
/** From what tasks tell to what is made of it: detectors, findings and suspensions on a real store and registry. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startDetectors } from '../../src/daemon/detectors.ts';
import { Suspensions } from '../../src/daemon/suspensions.ts';
import { findingNames, taskNotices } from '../../src/daemon/task-notices.ts';
import { Closers } from '../../src/lib/closers.ts';
import { DETECTORS, OPEN_PER_DETECTOR } from '../../src/store/findings.ts';
import { inspect, PLACES } from '../support/config.ts';
import { TestProcess } from '../support/lone.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { AGENT, ALLOW, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const NO_PERMIT = { policyHash: 'aa', outcome: 'deny', reasons: [{ policyId: 'default', reason: 'no' }] } as const;
const top = tempDir('daemon-task-notices');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
let closers: Closers;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
  closers = new Closers();
});
afterEach(async () => {
  await closers.close();
  await w.close();
});

async function wired(yaml: string) {
  const { config } = await inspect(top, { yaml: `trust_domain: example.org\n${PLACES}detectors: ${yaml}\n` });
  const detectors = startDetectors(config!, {
    store: w.store,
    registry: w.registry,
    platform: { background: { look: () => Promise.reject(new Error('a test')) } } as never,
    holdersOf: () => [],
    terms: () => ({ now: 0, unusedSince: 0, keptSince: 0 }),
    clock: w.clock,
    closers,
    log: new RecordingLogger(),
  });
  const targets = { get: (name: string) => ({ impact: name === 'payments' ? 'high' : 'low' }) as const };
  const told = taskNotices({ detectors, targets, hasPolicies: () => true });
  const untold = taskNotices({ detectors, targets, hasPolicies: () => false });
  const names = findingNames(w.store.findings, config!.detectors.actions);
  const tell = (to = told): void => {
    for (const notice of w.notices.splice(0)) to(notice);
  };
  return { tell, untold, names };
}

const denied = async (intents: readonly string[]): Promise<void> => {
  w.decides(NO_PERMIT);
  await refusalOfAsync(() => w.run(new TestProcess(), { intents }));
};
const findings = () =>
  w.store.findings
    .list({ open: true }, { limit: 99 })
    .rows.map(({ detector, identity, task }) => ({ detector, identity, task }));
const lastTask = (): string | undefined => w.store.tasks.list({}, { limit: 1 }).rows[0]?.id;

describe('a finding', () => {
  it('names the task', async () => {
    const { tell } = await wired('{}');
    await denied(['crm:read']);
    tell();
    expect(await w.settled(() => findings().length === 1)).toBe(true);
    expect(findings()).toEqual([{ detector: 'intent-mismatch', identity: AGENT, task: lastTask() }]);
    const [event] = w.store.audit.events({ kind: 'finding.' }, { limit: 9 }).rows;
    expect(event?.task).toBe(lastTask());
  });

  it('of the impact of targets is made here', async () => {
    const { tell } = await wired('{ intent_mismatch: off }');
    await denied(['crm:read']);
    w.decides(ALLOW);
    const { id } = await w.run(new TestProcess(), { intents: ['payments:refund'] });
    tell();
    expect(await w.settled(() => findings().length === 1)).toBe(true);
    expect(findings()).toMatchObject([{ detector: 'escalation-after-deny', task: id }]);
  });

  it('is none where there are no policies', async () => {
    const { tell, untold } = await wired('{}');
    await denied(['crm:read']);
    tell(untold);
    await w.settled(() => false);
    expect(findings()).toEqual([]);
  });
});

describe('require-approval', () => {
  it('C1: is among what policy is told while such a finding is open', async () => {
    const { tell, names } = await wired('{ intent_mismatch: require-approval }');
    await denied(['crm:read']);
    expect(names(AGENT)).toEqual([]);
    tell();
    expect(await w.settled(() => findings().length === 1)).toBe(true);
    expect(names(AGENT)).toEqual(['intent-mismatch', 'require-approval']);
    expect(names('spiffe://example.org/other')).toEqual([]);
    await w.store.findings.close(1, 'looked at', 'uid:0', w.clock.now());
    expect(names(AGENT)).toEqual([]);
  });

  it('C1: is not hidden by newer findings of all other sorts', async () => {
    const { names } = await wired('{ intent_mismatch: require-approval }');
    const report = (detector: (typeof DETECTORS)[number], n: number) =>
      w.store.findings.report({ detector, identity: AGENT, evidence: {}, key: { n }, at: 1, count: 1 }, 'assay');
    await report('intent-mismatch', 0);
    for (const detector of DETECTORS)
      if (detector !== 'intent-mismatch') for (let n = 0; n < OPEN_PER_DETECTOR; n += 1) await report(detector, n);
    expect(names(AGENT)).toContain('require-approval');
  });
});

describe('suspend', () => {
  it('I7: ends the tasks of the identity in the same step, for a reason that is the daemon’s own', async () => {
    const { tell } = await wired('{ undeclared_intents: suspend, thresholds: { undeclared_intents: 2 } }');
    const { id, listener } = await w.run(new TestProcess());
    await denied(['crm:read']);
    tell();
    await w.settled(() => false);
    expect(w.registry.identity(AGENT)?.state).toBe('active');
    await denied(['crm:read']);
    tell();
    expect(await w.settled(() => listener.kinds.includes('ended'))).toBe(true);
    expect(w.registry.identity(AGENT)).toMatchObject({
      state: 'suspended',
      stateReason: 'found by the detector undeclared-intents',
    });
    expect(w.end(id)).toBe('revoked');
    expect((await refusalOfAsync(() => w.run(new TestProcess(105)))).reason).toBe('NOTHING_TO_LEND');
  });

  it('I7: is tried until it is written, once at a time, and given up on what is not there', async () => {
    const log = new RecordingLogger();
    let tries = 0;
    const suspendFound = async (identity: string, detector: string) => {
      tries += 1;
      if (tries < 3) throw new Error('the disk is full');
      return w.registry.life.suspendFound(identity, detector);
    };
    const suspensions = new Suspensions({ registry: { life: { suspendFound } }, clock: w.clock, log });
    suspensions.suspend(AGENT, 'intent-mismatch');
    suspensions.suspend(AGENT, 'intent-mismatch');
    expect(tries).toBe(1);
    await w.clock.advance(1_000);
    await w.clock.advance(1_000);
    expect(await w.settled(() => w.registry.identity(AGENT)?.state === 'suspended')).toBe(true);
    expect(tries).toBe(3);
    suspensions.suspend('spiffe://elsewhere/x', 'intent-mismatch');
    await w.settled(() => tries === 4);
    await w.clock.advance(5_000);
    expect(tries).toBe(4);
    suspensions.close();
    suspensions.suspend(AGENT, 'intent-mismatch');
    expect(tries).toBe(4);
  });
});
