// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Scheduler, type Trouble } from '../../src/rotation/scheduler.ts';
import { FakeClock } from '../support/fake-clock.ts';

function bench(step: (now: number) => Promise<boolean>, nextAt: () => number | undefined = () => undefined) {
  const clock = new FakeClock();
  const troubles: (Trouble & { retryInMs: number })[] = [];
  let recovered = 0;
  const scheduler = new Scheduler({
    clock,
    step: () => step(clock.now()),
    nextAt,
    onTrouble: (trouble, retryInMs) => troubles.push({ ...trouble, retryInMs }),
    onRecovered: () => {
      recovered += 1;
    },
  });
  return { clock, scheduler, troubles, recovered: () => recovered };
}

describe('a scheduler', () => {
  it('does steps until none is due', async () => {
    let left = 3;
    const { scheduler } = bench(async () => left-- > 0);
    await scheduler.poke();
    expect(left).toBe(-1);
    await scheduler.close();
  });

  it('does a step at its instant', async () => {
    const done: number[] = [];
    let due: number | undefined;
    const { clock, scheduler } = bench(
      async (now) => {
        if (due === undefined || now < due) return false;
        done.push(now);
        due = undefined;
        return true;
      },
      () => due,
    );
    due = clock.now() + 90_000;
    const expected = due;
    await scheduler.poke();
    await clock.advance(89_999);
    expect(done).toEqual([]);
    await clock.advance(1);
    expect(done).toEqual([expected]);
    await scheduler.close();
  });

  it('looks again within ten minutes even when nothing is foreseen', async () => {
    let looks = 0;
    const { clock, scheduler } = bench(async () => {
      looks += 1;
      return false;
    });
    await scheduler.poke();
    await clock.advance(30 * 60_000);
    expect(looks).toBe(4);
    await scheduler.close();
  });

  it('tries a failed step again with growing pauses, and says when it goes on', async () => {
    let failing = true;
    const { clock, scheduler, troubles, recovered } = bench(async () => {
      if (failing) throw new Error('disk full');
      return false;
    });
    await scheduler.poke();
    await clock.advance(200_000);
    expect(troubles.slice(0, 8).map(({ retryInMs }) => retryInMs / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(scheduler.trouble?.failures).toBe(troubles.length);
    expect(scheduler.trouble?.since).toBe(troubles[0]!.since);
    failing = false;
    await scheduler.poke();
    expect(scheduler.trouble).toBeUndefined();
    expect(recovered()).toBe(1);
    await scheduler.close();
  });

  it('never runs two steps at once, an operator’s included', async () => {
    let running = 0;
    let most = 0;
    const busy = async (): Promise<false> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => setImmediate(resolve));
      running -= 1;
      return false;
    };
    const { scheduler } = bench(busy);
    await Promise.all([scheduler.poke(), scheduler.exclusively(busy), scheduler.poke(), scheduler.exclusively(busy)]);
    expect(most).toBe(1);
    await scheduler.close();
  });

  it('tells an operator whose step fails, and goes on', async () => {
    const { scheduler, troubles } = bench(async () => false);
    await expect(scheduler.exclusively(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await scheduler.poke();
    expect(troubles).toEqual([]);
    await scheduler.close();
  });

  it('waits for a step under way when it is closed, and starts no other', async () => {
    let finish: () => void = () => undefined;
    let steps = 0;
    const { clock, scheduler } = bench(() => {
      steps += 1;
      return new Promise((resolve) => {
        finish = () => resolve(true);
      });
    });
    void scheduler.poke();
    await clock.advance(0);
    const closed = scheduler.close();
    finish();
    await closed;
    await clock.advance(3_600_000);
    expect(steps).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
