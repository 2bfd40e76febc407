// SPDX-License-Identifier: Apache-2.0
/** The report is drawn once a minute at most, however often it is scraped. */
import { expect, it } from '@jest/globals';
import { ReportCache } from '../../src/metrics/report-cache.ts';
import type { MetricResult } from '../../src/store/reports.ts';
import { FakeClock } from '../support/fake-clock.ts';

function world(drawMs = 0) {
  const clock = new FakeClock();
  const state = { drawn: 0, fails: false };
  const take = async (): Promise<readonly MetricResult[]> => {
    state.drawn += 1;
    const mine = state.drawn;
    if (state.fails) throw new Error('no');
    if (drawMs > 0) await new Promise<void>((resolve) => clock.after(drawMs, resolve));
    return [{ id: `m${mine}` }] as unknown as readonly MetricResult[];
  };
  const cache = new ReportCache(take, clock);
  /** What a scrape now is told, in the end. */
  const scrape = async (waitMs = 0): Promise<string | undefined> => {
    const current = cache.current();
    await clock.advance(waitMs);
    return (await current)?.metrics[0]?.id;
  };
  return { clock, state, cache, scrape };
}

it('I9: once a minute', async () => {
  const { clock, state, scrape } = world();
  for (let n = 0; n < 50; n += 1) expect(await scrape()).toBe('m1');
  await clock.advance(59_999);
  expect([await scrape(), state.drawn]).toEqual(['m1', 1]);
  await clock.advance(1);
  expect([await scrape(), state.drawn]).toEqual(['m2', 2]);
});

it('I9: a slow one, in a twentieth of the time; a scrape takes the last one meanwhile', async () => {
  const { clock, state, scrape } = world(10_000);
  expect(await scrape(2_000)).toBeUndefined();
  await clock.advance(8_000);
  expect(await scrape()).toBe('m1');
  await clock.advance(189_999);
  expect([await scrape(), state.drawn]).toEqual(['m1', 1]);
  await clock.advance(1);
  expect([await scrape(2_000), state.drawn]).toEqual(['m1', 2]);
});

it('that fails is counted, and the last one stands', async () => {
  const { clock, state, cache, scrape } = world();
  await scrape();
  state.fails = true;
  await clock.advance(60_000);
  expect([await scrape(), cache.failures]).toEqual(['m1', 1]);
});
