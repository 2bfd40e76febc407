// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ApiClient } from '../../../attestors/k8s/api-client.ts';
import { ApiServerFeed } from '../../../attestors/k8s/api-server-feed.ts';
import { type ListedPod, PODS } from '../../../attestors/k8s/pod-list.ts';
import { timeoutTrouble } from '../../../attestors/k8s/trouble.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { podJson, podList, UID_A, UID_B } from '../../support/k8s-pods.ts';

const PATH = '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode1';
let clock: FakeClock;
let feed: ApiServerFeed<ListedPod>;
let asked: string[];
let heard: string[];
/** UIDs, by what was heard. */
let known: Set<string>;
let listed: readonly object[];
/** The next list fails so. */
let refused: Error | undefined;
/** What the watch that is open is told. */
let say: (event: object | string) => Promise<void>;
let endWatch: () => Promise<void>;

/** Yields what is pushed until it is ended. */
async function* watched(signal: AbortSignal): AsyncGenerator<Buffer> {
  const queue: (Buffer | 'end')[] = [];
  let wake = (): void => undefined;
  const push = (one: Buffer | 'end'): Promise<void> => {
    queue.push(one);
    wake();
    return clock.advance(0);
  };
  say = (event) => push(Buffer.from(`${typeof event === 'string' ? event : JSON.stringify(event)}\n`));
  endWatch = () => push('end');
  signal.addEventListener('abort', () => push('end'));
  for (;;) {
    while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const next = queue.shift();
    if (next === 'end' || next === undefined) return;
    yield next;
  }
}
async function* body(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

const client: Pick<ApiClient, 'get' | 'close' | 'name'> = {
  name: 'the API server at api:443',
  async get(path, { signal }, read) {
    asked.push(path.replace(PATH, ''));
    if (path.includes('watch')) return { session: 1, value: await read(watched(signal)) };
    if (refused !== undefined) throw refused;
    return {
      session: 1,
      value: await read(body(JSON.stringify({ ...podList(...listed), metadata: { resourceVersion: '7' } }))),
    };
  },
  close: () => undefined,
};
const watch = (version: string): string =>
  `&watch=true&allowWatchBookmarks=true&timeoutSeconds=60&resourceVersion=${version}`;
const event = (type: string, version: string, words: Parameters<typeof podJson>[0] = {}) => ({
  type,
  object: podJson({ ...words, metadata: { resourceVersion: version } }),
});

beforeEach(() => {
  [clock, asked, heard, listed, refused] = [new FakeClock(), [], [], [podJson()], undefined];
  feed = new ApiServerFeed(
    { client, clock, listed: PODS, path: PATH, timeoutMs: 4_000 },
    {
      list: ({ items }, certain) => {
        known = new Set(items.keys());
        heard.push(`${[...known].join(' ')}${certain ? '' : ' uncertain'}`);
      },
      change: (uid, pod) => {
        if (pod === undefined) known.delete(uid);
        else known.add(uid);
        heard.push([...known].join(' '));
      },
      trouble: ({ reason }) => heard.push(reason),
      stale: () => heard.push('stale'),
    },
  );
});
afterEach(() => feed.close());

describe('a watch on the API server', () => {
  it('begins with the first caller: a list, and what changes from there on', async () => {
    await clock.advance(10_000);
    expect([asked, feed.asOf]).toEqual([[], -Infinity]);
    feed.demand(true, false);
    await clock.advance(0);
    expect([asked, heard]).toEqual([['', watch('7')], [UID_A]]);
    await say(event('ADDED', '8', { uid: UID_B }));
    await say(event('MODIFIED', '9', { labels: {} }));
    await say(event('DELETED', '10'));
    expect(heard).toEqual([UID_A, `${UID_A} ${UID_B}`, `${UID_A} ${UID_B}`, UID_B]);
  });

  it('knows all up to now while it is open, without asking again', async () => {
    feed.demand(true, true);
    await clock.advance(50_000);
    feed.demand(false, false);
    feed.demand(true, false);
    await clock.advance(0);
    expect([asked.length, feed.asOf]).toEqual([2, 50_000]);
  });

  it('goes on where the last one ended', async () => {
    feed.demand(true, false);
    await clock.advance(0);
    await say({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '20' } } });
    await clock.advance(60_000);
    await endWatch();
    expect(asked).toEqual(['', watch('7'), watch('20')]);
  });

  it('I9: is begun once a second at most, though the server ends it at once', async () => {
    feed.demand(true, false);
    await clock.advance(0);
    for (let at = 0; at < 5; at += 1) {
      await endWatch();
      await clock.advance(200);
    }
    expect(asked).toEqual(['', watch('7'), watch('7')]);
  });

  it('is not begun again after a failure before somebody needs it', async () => {
    refused = timeoutTrouble('the API server', 4_000);
    feed.demand(true, false);
    feed.demand(false, false);
    await clock.advance(60_000);
    expect(asked).toEqual(['']);
    feed.demand(false, true);
    await clock.advance(2_500);
    expect(asked.length).toBe(4);
  });

  it('begins anew with a list when the server has forgotten where it was, at most once a second', async () => {
    feed.demand(true, false);
    await clock.advance(0);
    listed = [];
    await say({ type: 'ERROR', object: { kind: 'Status', code: 410 } });
    expect(asked.length).toBe(2);
    await clock.advance(1_000);
    expect([asked.slice(2), heard]).toEqual([
      ['', watch('7')],
      [UID_A, ''],
    ]);
  });

  it.each([
    ['no JSON', 'canary'],
    ['null', 'null'],
    ['without a version', { type: 'ADDED', object: podJson() }],
    ['an error', { type: 'ERROR', object: { code: 500 } }],
  ])('ends over an event that is %s, and begins anew', async (_what, odd) => {
    feed.demand(true, false);
    await clock.advance(0);
    await say(odd);
    expect(heard).toEqual([UID_A, 'K8S_ANSWER_INVALID']);
    await clock.advance(1_000);
    expect(asked.length).toBe(4);
  });

  it('I9: ends when there are too many pods', async () => {
    feed.demand(true, false);
    await clock.advance(0);
    for (let at = 0; at < 4_096; at += 1) await say(event('ADDED', String(at + 10), { uid: `uid-${at}` }));
    expect(heard.at(-1)).toBe('K8S_ANSWER_INVALID');
  }, 60_000);

  it('passes over what is no pod', async () => {
    feed.demand(true, false);
    await clock.advance(0);
    await say({ type: 'ADDED', object: { metadata: { resourceVersion: '8' } } });
    expect(heard).toEqual([UID_A]);
  });

  it('I8: tells once when nothing can be heard for ten seconds', async () => {
    feed.demand(true, true);
    await clock.advance(0);
    refused = timeoutTrouble('the API server', 4_000);
    await say({ type: 'ERROR', object: { code: 500 } });
    await clock.advance(9_000);
    expect(heard).not.toContain('stale');
    await clock.advance(9_000);
    expect(heard.filter((one) => one === 'stale').length).toBe(1);
    refused = undefined;
    await clock.advance(1_000);
    expect(heard.at(-1)).toBe(UID_A);
  });

  it('ends with the daemon', async () => {
    feed.demand(true, true);
    await clock.advance(0);
    feed.close();
    await clock.advance(10_000);
    expect([asked.length, clock.pending]).toEqual([2, 0]);
  });
});
