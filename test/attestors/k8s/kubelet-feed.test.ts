// SPDX-License-Identifier: Apache-2.0
/** When the kubelet is asked; what is asked of it is in `api-client.test.ts`. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiClient } from '../../../attestors/k8s/api-client.ts';
import { KubeletFeed } from '../../../attestors/k8s/kubelet-feed.ts';
import { timeoutTrouble } from '../../../attestors/k8s/trouble.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { podList } from '../../support/k8s-pods.ts';

let clock: FakeClock;
let feed: KubeletFeed;
/** When each request began. */
let asked: number[];
let heard: string[];
let answer: () => Promise<{ session: number }>;

const client: Pick<ApiClient, 'get' | 'close'> = {
  async get(path, _options, read) {
    expect(path).toBe('/pods');
    asked.push(clock.monotonic());
    const { session } = await answer();
    return { session, value: await read(body()) };
  },
  close: () => heard.push('closed'),
};
async function* body(): AsyncGenerator<Buffer> {
  yield Buffer.from(JSON.stringify(podList()));
}
const answerAfter =
  (ms: number, session = 1) =>
  () =>
    new Promise<{ session: number }>((resolve) => clock.after(ms, () => resolve({ session })));

beforeEach(() => {
  [clock, asked, heard] = [new FakeClock(), [], []];
  answer = async () => ({ session: 1 });
  feed = new KubeletFeed(
    { client, clock, timeoutMs: 4_000 },
    {
      list: (_list, certain) => heard.push(certain ? 'list' : 'first list'),
      change: () => heard.push('change'),
      trouble: ({ reason }) => heard.push(reason),
      stale: () => heard.push('stale'),
    },
  );
});

describe('the kubelet', () => {
  it('I9: is asked nothing while nobody waits and no stream rests on a pod', async () => {
    await clock.advance(60_000);
    expect(asked).toEqual([]);
    feed.demand(false, true);
    await clock.advance(4_000);
    feed.demand(false, false);
    await clock.advance(60_000);
    expect(asked).toEqual([60_000, 61_800, 63_600]);
  });

  it('I9: is asked once a second at most while callers wait', async () => {
    feed.demand(true, false);
    await clock.advance(3_500);
    expect(asked).toEqual([0, 1_000, 2_000, 3_000]);
    for (let at = 0; at < 100; at += 1) {
      feed.demand(false, false);
      feed.demand(true, false);
    }
    await clock.advance(400);
    expect(asked.length).toBe(4);
  });

  it('is asked sooner when a caller comes to wait', async () => {
    feed.demand(false, true);
    await clock.advance(1_200);
    feed.demand(true, true);
    await clock.advance(0);
    expect(asked).toEqual([0, 1_200]);
  });

  it('I9: is never asked twice at a time, and not at once after it was slow', async () => {
    answer = answerAfter(2_500);
    feed.demand(true, true);
    await clock.advance(2_400);
    expect(asked).toEqual([0]);
    await clock.advance(200);
    expect([asked, feed.asOf]).toEqual([[0, 2_500], 0]);
  });

  it('is taken to have deleted what it no longer lists, unless it was started anew', async () => {
    feed.demand(false, true);
    await clock.advance(2_000);
    answer = async () => ({ session: 2 });
    await clock.advance(4_000);
    expect(heard).toEqual(['first list', 'list', 'first list', 'list']);
  });

  it('I8: is silent for ten seconds, and that is told once', async () => {
    feed.demand(false, true);
    await clock.advance(100);
    answer = async () => {
      throw timeoutTrouble('the kubelet', 4_000);
    };
    await clock.advance(9_000);
    expect(new Set(heard)).toEqual(new Set(['first list', 'K8S_TIMEOUT']));
    await clock.advance(20_000);
    expect(heard.filter((one) => one === 'stale').length).toBe(1);
    answer = async () => ({ session: 1 });
    await clock.advance(2_000);
    expect(heard.at(-1)).toBe('list');
    answer = async () => {
      throw timeoutTrouble('the kubelet', 4_000);
    };
    await clock.advance(20_000);
    expect(heard.filter((one) => one === 'stale').length).toBe(2);
  });

  it('is asked no more after the end', async () => {
    answer = answerAfter(500);
    feed.demand(true, true);
    await clock.advance(100);
    feed.close();
    await clock.advance(10_000);
    expect([asked, heard, clock.pending]).toEqual([[0], ['closed', 'first list'], 0]);
  });
});
