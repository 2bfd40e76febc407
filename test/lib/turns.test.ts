// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { type TurnRules, Turns } from '../../src/lib/turns.ts';

const never = new AbortController().signal;
const rules: TurnRules = {
  atOnce: 2,
  waitingPerKey: 3,
  waiting: 5,
  full: (limit, key) => new Failure('unavailable', 'FULL', `${key ?? 'all'}: ${limit}`),
};
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Jobs that end when told to, and the order in which they started. */
class Jobs {
  readonly started: string[] = [];
  readonly #end = new Map<string, () => void>();
  readonly turns: Turns;

  constructor(some: Partial<TurnRules> = {}) {
    this.turns = new Turns({ ...rules, ...some });
  }

  add(key: number, name: string, signal = never): Promise<void> {
    return this.turns.run(key, signal, () => {
      this.started.push(name);
      return new Promise((resolve) => this.#end.set(name, resolve));
    });
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) {
      this.#end.get(name)?.();
      await tick();
    }
  }
}

describe('turns', () => {
  it('I9: run so many at once and no more', async () => {
    const jobs = new Jobs();
    for (const name of ['a', 'b', 'c']) void jobs.add(1, name);
    await tick();
    expect(jobs.started).toEqual(['a', 'b']);
    await jobs.end('a');
    expect(jobs.started).toEqual(['a', 'b', 'c']);
  });

  it('I9: go round the keys: a flood of one delays itself', async () => {
    const jobs = new Jobs({ atOnce: 1 });
    for (const name of ['a1', 'a2', 'a3']) void jobs.add(1, name);
    for (const name of ['b1', 'b2']) void jobs.add(2, name);
    await tick();
    await jobs.end('a1', 'a2', 'b1', 'a3', 'b2');
    expect(jobs.started).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
  });

  it('A11: give one key no more than its share, and let others pass it', async () => {
    const jobs = new Jobs({ atOncePerKey: 1 });
    for (const name of ['a1', 'a2']) void jobs.add(1, name);
    void jobs.add(2, 'b1');
    await tick();
    expect(jobs.started).toEqual(['a1', 'b1']);
    await jobs.end('b1');
    expect(jobs.started).toEqual(['a1', 'b1']);
    await jobs.end('a1');
    expect(jobs.started).toEqual(['a1', 'b1', 'a2']);
  });

  it('I9: refuse when too many of one key wait, naming the key and the ceiling', async () => {
    const jobs = new Jobs();
    for (const name of ['a', 'b', 'c', 'd', 'e']) void jobs.add(1, name);
    await expect(jobs.add(1, 'f')).rejects.toMatchObject({ reason: 'FULL', message: '1: 3' });
  });

  it('I9: refuse when too many wait in all', async () => {
    const jobs = new Jobs();
    for (let i = 0; i < 4; i += 1) void jobs.add(1, `a${i}`);
    for (let i = 0; i < 3; i += 1) void jobs.add(2, `b${i}`);
    await expect(jobs.add(3, 'c')).rejects.toMatchObject({ message: 'all: 5' });
    expect(jobs.turns.waiting).toBe(5);
  });

  it('forget a waiter that gives up', async () => {
    const jobs = new Jobs({ atOnce: 1 });
    const gone = new AbortController();
    void jobs.add(1, 'a');
    const waiting = jobs.add(1, 'b', gone.signal);
    void jobs.add(1, 'c');
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await jobs.end('a');
    expect(jobs.started).toEqual(['a', 'c']);
    await expect(jobs.add(1, 'd', AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });

  it('go on after a job that fails', async () => {
    const turns = new Turns({ ...rules, atOnce: 1 });
    const first = turns.run(1, never, () => Promise.reject(new Error('bad')));
    const second = turns.run(1, never, async () => 'good');
    await expect(first).rejects.toThrow('bad');
    await expect(second).resolves.toBe('good');
    expect(turns.running).toBe(0);
  });

  it('come to everyone exactly once, in any mix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ key: fc.nat(4), waits: fc.nat(2) }), { maxLength: 40 }), async (jobs) => {
        const turns = new Turns({ ...rules, atOncePerKey: 1, waiting: 1_000, waitingPerKey: 1_000 });
        const running = new Map<number, number>();
        let most = 0;
        const work = async (key: number, waits: number): Promise<number> => {
          running.set(key, (running.get(key) ?? 0) + 1);
          expect(running.get(key)).toBe(1);
          most = Math.max(
            most,
            [...running.values()].reduce((a, b) => a + b, 0),
          );
          for (let i = 0; i < waits; i += 1) await Promise.resolve();
          running.set(key, 0);
          return key;
        };
        const done = await Promise.all(jobs.map(({ key, waits }) => turns.run(key, never, () => work(key, waits))));
        expect(done).toEqual(jobs.map(({ key }) => key));
        expect(most).toBeLessThanOrEqual(2);
        expect([turns.running, turns.waiting]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });
});
