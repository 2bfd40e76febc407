// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AttestationEngine, type EngineOptions } from '../../src/attestation/engine.ts';
import type { Attestation, Attestor, ProcessHandle, SameVerdict, Strength } from '../../src/attestation/plugin.ts';
import { Failure } from '../../src/lib/failure.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';

const never = new AbortController().signal;
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Caller implements Partial<ProcessHandle> {
  readonly pid = 100;
  readonly uid: number;
  verdict: SameVerdict = { same: true };

  constructor(uid = 1000) {
    this.uid = uid;
  }

  stillSame(): SameVerdict {
    return this.verdict;
  }
}
const caller = (uid?: number): ProcessHandle & Caller => new Caller(uid) as unknown as ProcessHandle & Caller;

const found = (...selectors: [string, Strength][]): Attestation => ({
  applies: true,
  selectors: selectors.map(([value, strength]) => ({ value, strength })),
  facts: { seen: selectors.length },
  leftOut: [],
});

function attestor(
  name: string,
  attest: Attestor['attest'],
  kinds: [string, Strength][] = [['uid', 'kernel']],
): Attestor {
  return { name, kinds: new Map(kinds), attest };
}

function engine(
  attestors: Attestor[],
  some: Partial<EngineOptions> = {},
): { engine: AttestationEngine; clock: FakeClock } {
  const clock = new FakeClock();
  return {
    clock,
    engine: new AttestationEngine({ attestors, timeoutMs: 5_000, atOnce: 4, clock, log: silentLogger, ...some }),
  };
}

describe('an attestation', () => {
  it('is the union of what all attestors found, with strengths, facts and what was left out', async () => {
    const { engine: it, clock } = engine([
      attestor('unix', async () => found(['uid:1000', 'kernel'])),
      attestor(
        'docker',
        async () =>
          ({
            ...found(['label:a:b', 'authority']),
            leftOut: [{ kind: 'image_id', reason: 'no image' }],
          }) as Attestation,
        [['label', 'authority']],
      ),
      attestor('systemd', async () => ({ applies: false, reason: 'not in a unit' })),
    ]);
    const attested = await it.attest(caller(), never);
    expect([...attested.selectors]).toEqual([
      ['unix:uid:1000', 'kernel'],
      ['docker:label:a:b', 'authority'],
    ]);
    expect(attested.facts).toEqual(expect.objectContaining({ unix: { seen: 1 }, docker: { seen: 1 } }));
    expect(Object.getPrototypeOf(attested.facts)).toBeNull();
    expect(attested.notes).toEqual([
      { attestor: 'docker', reason: 'no image', kind: 'image_id' },
      { attestor: 'systemd', reason: 'not in a unit' },
    ]);
    expect(attested.at).toBe(clock.now());
  });

  it('asks all attestors side by side', async () => {
    const order: string[] = [];
    const slow = (name: string): Attestor =>
      attestor(name, async () => {
        order.push(`${name} asked`);
        await tick();
        order.push(`${name} answers`);
        return found();
      });
    await engine([slow('a'), slow('b')]).engine.attest(caller(), never);
    expect(order).toEqual(['a asked', 'b asked', 'a answers', 'b answers']);
  });

  it('fails as a whole when an attestor that applies fails; the caller is told no more than that', async () => {
    const { engine: it } = engine([
      attestor('unix', async () => found(['uid:1000', 'kernel'])),
      attestor('docker', async () => {
        throw new Failure('unavailable', 'ENGINE_DOWN', 'the Docker engine does not answer');
      }),
    ]);
    await expect(it.attest(caller(), never)).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'ATTESTATION_FAILED',
      message: 'the calling process could not be attested',
      hint: 'attestor docker failed: the Docker engine does not answer',
    });
    expect(it.latency.get('docker')).toMatchObject({ count: 1, failed: 1 });
    expect(it.latency.get('unix')).toMatchObject({ count: 1, failed: 0 });
  });

  it('names the attestor that takes too long, and waits for it no longer', async () => {
    let aborted = false;
    const { engine: it, clock } = engine([
      attestor('unix', async () => found()),
      attestor('k8s', (_process, signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => undefined);
      }),
    ]);
    const attested = it.attest(caller(), never);
    const outcome = expect(attested).rejects.toMatchObject({
      reason: 'ATTESTATION_FAILED',
      hint: expect.stringMatching(/^k8s took longer than 5000 ms/),
    });
    await clock.advance(5_000);
    await outcome;
    expect(aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('A2: fails when the process is another one after all have answered', async () => {
    const process = caller();
    const { engine: it } = engine([
      attestor('unix', async () => {
        process.verdict = { same: false, reason: 'exec' };
        return found(['uid:1000', 'kernel']);
      }),
    ]);
    await expect(it.attest(process, never)).rejects.toMatchObject({
      reason: 'PROCESS_GONE',
      message: expect.stringMatching(/exec/),
    });
  });

  it('says that the process has gone when an attestor found that out', async () => {
    const { engine: it } = engine([
      attestor('unix', async () => {
        throw new Failure('unavailable', 'PROCESS_GONE', 'gone');
      }),
    ]);
    await expect(it.attest(caller(), never)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
  });

  it('stops when its caller does not want it any more', async () => {
    const { engine: it, clock } = engine([attestor('unix', () => new Promise(() => undefined))]);
    const gone = new AbortController();
    const attested = it.attest(caller(), gone.signal);
    gone.abort(new Error('stream closed'));
    await expect(attested).rejects.toThrow('stream closed');
    await expect(it.attest(caller(), gone.signal)).rejects.toThrow('stream closed');
    expect(clock.pending).toBe(0);
  });

  it.each<[string, string, Strength]>([
    ['a kind that was not declared', 'gid:0', 'kernel'],
    ['a strength beyond what was declared', 'path:/bin/x', 'kernel'],
    ['no kind at all', 'uid', 'kernel'],
  ])('A13: drops %s', async (_what, value, strength) => {
    const kinds: [string, Strength][] = [
      ['uid', 'kernel'],
      ['path', 'claimed'],
    ];
    const { engine: it } = engine([
      attestor('unix', async () => found(['uid:1', 'claimed'], [value, strength]), kinds),
    ]);
    expect([...(await it.attest(caller(), never)).selectors]).toEqual([['unix:uid:1', 'claimed']]);
  });

  it('shares nothing between processes', async () => {
    let asked = 0;
    const { engine: it } = engine([
      attestor('unix', async (process) => {
        asked += 1;
        return found([`uid:${process.uid}`, 'kernel']);
      }),
    ]);
    const [a, b] = await Promise.all([it.attest(caller(1), never), it.attest(caller(2), never)]);
    expect([asked, ...a.selectors.keys(), ...b.selectors.keys()]).toEqual([2, 'unix:uid:1', 'unix:uid:2']);
  });
});

describe('many attestations', () => {
  it('I9: run so many at once, in turns by uid, and are refused when too many wait', async () => {
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const { engine: it } = engine(
      [
        attestor('unix', (process) => {
          started.push(process.uid);
          return new Promise((resolve) => finish.push(() => resolve(found())));
        }),
      ],
      { atOnce: 1 },
    );
    const flood = Array.from({ length: 600 }, () =>
      it.attest(caller(1), never).catch((error: Failure) => error.reason),
    );
    void it.attest(caller(2), never);
    await tick();
    expect(it.waiting).toBe(512 + 1);
    finish.shift()?.();
    await tick();
    finish.shift()?.();
    await tick();
    expect(started).toEqual([1, 1, 2]);
    expect((await Promise.all(flood.slice(-80))).every((reason) => reason === 'ATTESTATION_BUSY')).toBe(true);
  });

  it('I9: a wait for a turn counts against the deadline', async () => {
    const { engine: it, clock } = engine([attestor('unix', () => new Promise(() => undefined))], { atOnce: 1 });
    const first = it.attest(caller(), never);
    const second = it.attest(caller(2), never);
    const outcomes = Promise.allSettled([first, second]);
    await clock.advance(5_000);
    expect(await outcomes).toMatchObject([
      { reason: { hint: expect.stringMatching(/took longer than 5000 ms/) } },
      { reason: { hint: expect.stringMatching(/took longer than 5000 ms/) } },
    ]);
    expect(clock.pending).toBe(0);
  });
});

describe('an engine', () => {
  it('knows every kind with its strength', () => {
    const { engine: it } = engine([attestor('unix', async () => found())]);
    expect(it.kinds.get('unix')?.get('uid')).toBe('kernel');
  });

  it.each(['Unix', 'a:b', '', 'a-b'])('A13: refuses an attestor named %j', (name) => {
    expect(() => engine([attestor(name, async () => found())])).toThrow(TypeError);
  });

  it('A13: refuses two attestors of one name', () => {
    expect(() => engine([attestor('a', async () => found()), attestor('a', async () => found())])).toThrow(
      /two attestors/,
    );
  });

  it('closes every attestor, though one fails', async () => {
    const closed: string[] = [];
    const closing = (name: string, close: () => Promise<void>): Attestor => ({
      ...attestor(name, async () => found()),
      close,
    });
    const { engine: it } = engine([
      closing('a', async () => {
        throw new Error('stuck');
      }),
      closing('b', async () => {
        closed.push('b');
      }),
    ]);
    await it.close();
    expect(closed).toEqual(['b']);
  });
});
