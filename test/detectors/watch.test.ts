// SPDX-License-Identifier: Apache-2.0
/** Who is looked at, when, and how often. The looks themselves are test/peer/background.test.ts. */
import { describe, expect, it } from '@jest/globals';
import type { Found } from '../../src/detectors/rules.ts';
import { DetectorWatch } from '../../src/detectors/watch.ts';
import { Failure } from '../../src/lib/failure.ts';
import type { Background } from '../../src/peer/background-looks.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import type { Grant } from '../../src/registry/match.ts';
import type { Detector, Novelty } from '../../src/store/findings.ts';
import type { IdentityKind } from '../../src/store/records.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { TestProcess } from '../support/lone.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { seen } from '../support/seen.ts';

const NOTHING: Background = {
  environment: { outcome: 'none-seen' },
  terminal: { attached: false, login: undefined },
  executable: { device: 8n, inode: 1n },
};
const SECRET: Background = { ...NOTHING, environment: { outcome: 'found', names: ['A_TOKEN'] } };

function world(off: readonly Detector[] = []) {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const found: Found[] = [];
  const looked: number[] = [];
  const backgrounds = new Map<number, Background | Failure>();
  const holders = new Map<string, ProcessHandle[]>();
  const binaries = new Set<string>();
  const watch = new DetectorWatch({
    background: {
      async look({ pid }) {
        looked.push(pid);
        const answer = backgrounds.get(pid) ?? NOTHING;
        if (answer instanceof Failure) throw answer;
        return answer;
      },
    },
    binaries: {
      async seeBinary(identity, binary): Promise<Novelty> {
        const isFirst = ![...binaries].some((one) => one.startsWith(`${identity} `));
        const isKnown = binaries.has(`${identity} ${binary}`);
        binaries.add(`${identity} ${binary}`);
        return isKnown ? 'known' : isFirst ? 'first' : 'new';
      },
    },
    holdersOf: (entryId, most) => (holders.get(entryId) ?? []).slice(0, most),
    isOn: (detector) => !off.includes(detector),
    report: (one) => void found.push(one),
    clock,
    log,
  });
  const give = (process: ProcessHandle, entryId = 'e', kind: IdentityKind = 'service'): void => {
    const spiffeId = `spiffe://td/${entryId}`;
    const grant = { entry: { id: entryId, spiffeId }, identity: { kind } } as unknown as Grant;
    watch.delivered({ process, attested: seen([], { at: 0 }), grants: [grant] });
    holders.set(entryId, [...(holders.get(entryId) ?? []), process]);
  };
  const detectors = (): readonly string[] => found.map(({ detector, identity }) => `${detector} ${identity}`);
  return { clock, log, found, looked, backgrounds, watch, give, detectors };
}

describe('whoever was given an identity', () => {
  it('C5: is looked at after it, once, and what is found is told for each identity', async () => {
    const { clock, looked, backgrounds, give, detectors } = world();
    const process = new TestProcess(7);
    backgrounds.set(7, SECRET);
    give(process);
    expect(looked).toEqual([7]);
    give(process);
    await clock.advance(1_000);
    give(process);
    await clock.advance(1_000);
    expect(looked).toEqual([7]);
    give(process, 'f');
    await clock.advance(1_000);
    expect(detectors()).toEqual(['static-secret spiffe://td/e', 'static-secret spiffe://td/f']);
  });

  it('C5: counts as found where it holds up whoever looks, if it is an agent', async () => {
    const { clock, found, backgrounds, give } = world();
    const heldUp = new Failure('unavailable', 'CALLER_UNREADABLE', 'held up');
    for (const pid of [7, 8]) backgrounds.set(pid, heldUp);
    give(new TestProcess(7), 'service');
    give(new TestProcess(8), 'agent', 'agent');
    await clock.advance(1_000);
    expect(found).toMatchObject([{ identity: 'spiffe://td/agent', evidence: { outcome: 'unreadable', pid: 8 } }]);
  });

  it('is looked at with its next renewal where the queue was full, and not at all once it has gone', async () => {
    const { clock, looked, backgrounds, give, found } = world();
    const process = new TestProcess(7);
    backgrounds.set(7, new Failure('unavailable', 'LOOK_QUEUE_FULL', 'full'));
    backgrounds.set(8, new Failure('unavailable', 'PROCESS_GONE', 'gone'));
    give(process);
    give(new TestProcess(8));
    await clock.advance(1_000);
    expect(found).toEqual([]);
    backgrounds.set(7, SECRET);
    give(process);
    await clock.advance(1_000);
    expect([looked, found.length]).toEqual([[7, 8, 7], 1]);
  });

  it('I9: waits for its turn: 50 a second are looked at, and of a flood what fits', async () => {
    const { clock, log, looked, give } = world();
    for (let pid = 1; pid <= 3_000; pid += 1) give(new TestProcess(pid));
    await clock.advance(999);
    expect(looked.length).toBeGreaterThan(40);
    expect(looked.length).toBeLessThanOrEqual(51);
    await clock.advance(120_000);
    expect(looked.length).toBeLessThanOrEqual(1_025);
    expect(log.lines).toHaveLength(1);
  });

  it('is not looked at where nothing would come of it', async () => {
    const off = ['static-secret', 'human-use', 'new-binary', 'shared-credential'] as const;
    const { clock, looked, give } = world(off);
    give(new TestProcess(7));
    await clock.advance(1_000);
    expect(looked).toEqual([]);
  });

  it('is told nothing of by a detector that is off', async () => {
    const { clock, backgrounds, give, detectors } = world(['static-secret']);
    backgrounds.set(7, { ...SECRET, terminal: { attached: true, login: 'sshd' } });
    give(new TestProcess(7));
    await clock.advance(1_000);
    expect(detectors()).toEqual(['human-use spiffe://td/e']);
  });

  it('is left alone once the daemon stops', async () => {
    const { clock, looked, give, watch } = world();
    for (const pid of [1, 2, 3]) give(new TestProcess(pid));
    await watch.close();
    give(new TestProcess(4));
    await clock.advance(1_000);
    expect(looked).toEqual([1]);
  });
});

describe('programs', () => {
  const of = (inode: bigint): Background => ({ ...NOTHING, executable: { device: 8n, inode } });

  it('new-binary: the first of an identity is none, another is one', async () => {
    const { clock, backgrounds, give, detectors, found } = world(['shared-credential']);
    for (const [pid, inode] of [
      [1, 1n],
      [2, 1n],
      [3, 2n],
      [4, 2n],
    ] as const) {
      backgrounds.set(pid, of(inode));
      give(new TestProcess(pid));
    }
    await clock.advance(1_000);
    expect(detectors()).toEqual(['new-binary spiffe://td/e']);
    expect(found[0]?.evidence).toEqual({ binary: 'file:8:2', pid: 3, uid: 1000 });
  });

  it('NHI9, shared-credential: two at once by one entry', async () => {
    const { clock, backgrounds, give, found } = world(['new-binary']);
    backgrounds.set(1, of(1n));
    backgrounds.set(2, of(2n));
    give(new TestProcess(1));
    give(new TestProcess(2));
    give(new TestProcess(3), 'other');
    await clock.advance(1_000);
    expect(found).toMatchObject([
      {
        detector: 'shared-credential',
        key: { entry: 'e', programs: ['file:8:1', 'file:8:2'] },
        evidence: { pids: [2, 1] },
      },
    ]);
  });

  it('shared-credential: one after the other is none', async () => {
    const { clock, backgrounds, give, found } = world(['new-binary']);
    backgrounds.set(1, of(1n));
    backgrounds.set(2, of(2n));
    const first = new TestProcess(1);
    give(first);
    await clock.advance(1_000);
    first.end('exited');
    give(new TestProcess(2));
    await clock.advance(1_000);
    expect(found).toEqual([]);
  });
});
