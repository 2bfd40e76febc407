// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from '@jest/globals';
import { Poller, type PollOutcome } from '../../src/federation/poller.ts';
import { LONGEST_MS, WITHOUT_HINT_MS } from '../../src/federation/schedule.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NEVER_EARLY } from './room.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const rules = { shortestMs: MINUTE, withoutHintMs: WITHOUT_HINT_MS, longestMs: LONGEST_MS };
const opened: Poller[] = [];
afterEach(() => {
  for (const poller of opened.splice(0)) poller.close();
});

function polling(hints: () => number | null | Error, stored: number | null = null) {
  const clock = new FakeClock();
  let polls = 0;
  const poll = async (signal: AbortSignal): Promise<PollOutcome> => {
    signal.throwIfAborted();
    polls += 1;
    const hintSeconds = hints();
    if (hintSeconds instanceof Error) throw hintSeconds;
    return { result: 'unchanged', reason: undefined, hintSeconds };
  };
  const poller = new Poller({ poll, hintSeconds: stored, rules, clock, random: NEVER_EARLY });
  opened.push(poller);
  poller.refresh().catch(() => undefined);
  return { poller, clock, polls: () => polls };
}

describe('a poller', () => {
  it('FED-20, BUN-06: fetches at once, then each five minutes when nobody gives a hint', async () => {
    const { clock, polls } = polling(() => null);
    await clock.advance(0);
    expect(polls()).toBe(1);
    await clock.advance(5 * MINUTE - 1);
    expect(polls()).toBe(1);
    await clock.advance(1);
    expect(polls()).toBe(2);
    await clock.advance(55 * MINUTE);
    expect(polls()).toBe(13);
  });

  it('FED-20: goes by the hint, as that changes, and not below the floor', async () => {
    let hint = 1_800;
    const { clock, polls } = polling(() => hint);
    await clock.advance(HOUR);
    expect(polls()).toBe(3);
    hint = 1;
    await clock.advance(30 * MINUTE + 10 * MINUTE);
    expect(polls()).toBe(3 + 1 + 10);
  });

  it('FED-21: an endpoint that is down for an hour is asked no more often than one that is well', async () => {
    let down = false;
    const { clock, polls, poller } = polling(() => (down ? new Error('down') : 300));
    await clock.advance(0);
    down = true;
    await clock.advance(HOUR);
    expect(polls()).toBe(13);
    expect(poller.state).toMatchObject({ failures: 12, error: { message: 'down' } });
    down = false;
    await clock.advance(5 * MINUTE);
    expect(poller.state).toMatchObject({ failures: 0, error: undefined });
  });

  it('FED-21: one that never answered goes by the hint of the stored bundle', async () => {
    const { clock, polls } = polling(() => new Error('down'), 120);
    await clock.advance(HOUR);
    expect(polls()).toBe(31);
  });

  it('joins a fetch that is under way, and starts its interval anew after one by hand', async () => {
    const { clock, polls, poller } = polling(() => 300);
    await Promise.all([poller.refresh(), poller.refresh()]);
    expect(polls()).toBe(1);
    await clock.advance(4 * MINUTE);
    await poller.refresh();
    await clock.advance(4 * MINUTE);
    expect(polls()).toBe(2);
    await clock.advance(MINUTE);
    expect(polls()).toBe(3);
  });

  it('is not put off by a wall clock that is set back, and looks again after a jump ahead', async () => {
    const { clock, polls, poller } = polling(() => 3_600);
    await clock.advance(0);
    clock.jump(-10 * HOUR);
    await clock.advance(HOUR);
    expect(polls()).toBe(2);
    clock.jump(HOUR);
    poller.look();
    await clock.advance(0);
    expect(polls()).toBe(3);
  });

  it('FED-24: asks no more once it is closed', async () => {
    const { clock, polls, poller } = polling(() => 60);
    await clock.advance(0);
    poller.close();
    await clock.advance(HOUR);
    expect(polls()).toBe(1);
    await expect(poller.refresh()).rejects.toThrow('the relationship has ended');
    expect(clock.pending).toBe(0);
  });
});
