// SPDX-License-Identifier: Apache-2.0
/** Who waits for what, and for how long; the pods themselves are in `pod-book.test.ts`. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Feed, FeedListener } from '../../../attestors/k8s/feed.ts';
import { parsePod } from '../../../attestors/k8s/pod.ts';
import { PodBook } from '../../../attestors/k8s/pod-book.ts';
import type { ListedPod } from '../../../attestors/k8s/pod-list.ts';
import { SharedIndex } from '../../../attestors/k8s/shared-index.ts';
import { K8sError, statusTrouble, timeoutTrouble } from '../../../attestors/k8s/trouble.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type PodWords, podJson, UID_A, UID_B } from '../../support/k8s-pods.ts';

const never = new AbortController().signal;
const unknown = (): K8sError => new K8sError('POD_UNKNOWN', 'not listed', 'try again');

class TestFeed implements Feed {
  asOf = -Infinity;
  demands: string[] = [];
  closed = false;
  demand(waiting: boolean, resting: boolean): void {
    this.demands.push(`${waiting ? 'waiting' : '-'} ${resting ? 'resting' : '-'}`);
  }
  close(): void {
    this.closed = true;
  }
}

let clock: FakeClock;
let feed: TestFeed;
let listener: FeedListener<ListedPod>;
let index: SharedIndex<ListedPod, PodBook>;
let warned: string[];

beforeEach(() => {
  [clock, feed, warned] = [new FakeClock(), new TestFeed(), []];
  index = new SharedIndex({
    things: 'pods',
    book: new PodBook(),
    clock,
    patienceMs: 4_000,
    makeFeed: (one) => {
      listener = one;
      return feed;
    },
    warn: (fields) => warned.push((fields as { text: string }).text),
  });
});

function list(asOf: number, ...words: readonly PodWords[]): void {
  feed.asOf = asOf;
  listener.list(
    { items: new Map(words.map((one) => [one.uid ?? UID_A, parsePod(podJson(one))!])), resourceVersion: '' },
    true,
  );
}
const find = (uid = UID_A, signal = never): Promise<string> =>
  index.find((book) => book.called(uid)[0]?.uid, signal, unknown);

describe('a caller', () => {
  it('is answered at once while what is known is two seconds old or less', async () => {
    list(0, {});
    await clock.advance(2_000);
    expect(await find()).toBe(UID_A);
    expect(feed.demands).toEqual([]);
  });

  it('waits with all others for the next list, which answers those whose pod it has', async () => {
    list(0, {});
    await clock.advance(2_001);
    const [a, b] = [find(), find(UID_B)];
    expect(feed.demands.at(-1)).toBe('waiting -');
    list(clock.monotonic(), {});
    expect(await a).toBe(UID_A);
    expect(feed.demands.at(-1)).toBe('waiting -');
    list(clock.monotonic(), {}, { uid: UID_B });
    expect(await b).toBe(UID_B);
    expect([feed.demands.at(-1), clock.pending]).toEqual(['- -', 0]);
  });

  it('is answered by a list that took long, if it was asked for late enough', async () => {
    const waiting = find();
    await clock.advance(3_900);
    list(0, {});
    expect(await waiting).toBe(UID_A);
  });

  it('is refused when its pod is not listed in time', async () => {
    list(0);
    const refused = expect(find()).rejects.toMatchObject({ reason: 'POD_UNKNOWN' });
    await clock.advance(4_000);
    await refused;
    expect([feed.demands.at(-1), clock.pending]).toEqual(['- -', 0]);
  });

  it('has no more patience for what it has waited for elsewhere, and is told nothing older for that', async () => {
    list(0, {});
    await clock.advance(3_000);
    const refused = expect(index.find(() => 'old', never, unknown, 0)).rejects.toMatchObject({ reason: 'POD_UNKNOWN' });
    await clock.advance(1_000);
    await refused;
    expect(clock.pending).toBe(0);
  });

  it('is refused at once where the next request will be answered the same, and otherwise waits on', async () => {
    const lasting = expect(find()).rejects.toMatchObject({ reason: 'K8S_FORBIDDEN' });
    listener.trouble(statusTrouble('the kubelet', 403));
    await lasting;
    list(-10_000);
    const passing = find();
    listener.trouble(timeoutTrouble('the kubelet', 4_000));
    await clock.advance(1_000);
    list(clock.monotonic(), {});
    expect(await passing).toBe(UID_A);
  });

  it('is told what the trouble is when it does not pass in time', async () => {
    const refused = expect(find()).rejects.toMatchObject({ reason: 'K8S_TIMEOUT' });
    listener.trouble(timeoutTrouble('the kubelet', 4_000));
    await clock.advance(4_000);
    await refused;
  });

  it('I9: waits for a second only while the last request has failed', async () => {
    listener.trouble(timeoutTrouble('the kubelet', 4_000));
    const refused = expect(find()).rejects.toMatchObject({ reason: 'K8S_TIMEOUT' });
    await clock.advance(1_000);
    await refused;
  });

  it('waits no longer than its call lasts', async () => {
    const gone = new AbortController();
    const waiting = expect(find(UID_A, gone.signal)).rejects.toThrow('stream closed');
    gone.abort(new Error('stream closed'));
    await waiting;
    expect([feed.demands.at(-1), clock.pending]).toEqual(['- -', 0]);
    await expect(find(UID_A, gone.signal)).rejects.toThrow('stream closed');
  });

  it('waits no longer than the daemon runs', async () => {
    const waiting = expect(find()).rejects.toMatchObject({ reason: 'POD_UNKNOWN' });
    index.close();
    await waiting;
    expect(feed.closed).toBe(true);
  });
});

describe('what is told', () => {
  it('is each pod that has changed', () => {
    const heard: string[] = [];
    const undo = index.onChange((uid) => heard.push(uid));
    list(0, {}, { uid: UID_B });
    list(1, { labels: { app: 'other' } }, { uid: UID_B });
    undo();
    list(2);
    expect(heard).toEqual([UID_A]);
  });

  it('I8: is each pod that streams rest on, when nothing has been heard for long', () => {
    const heard: string[] = [];
    index.onChange((uid) => heard.push(uid));
    list(0, {}, { uid: UID_B });
    index.restedOn(UID_A, true);
    expect(feed.demands.at(-1)).toBe('- resting');
    listener.stale();
    index.restedOn(UID_A, false);
    expect([heard, feed.demands.at(-1)]).toEqual([[UID_A], '- -']);
  });

  it('is the trouble, to the log once while it lasts, and whoever asks', () => {
    expect([index.size, index.lastTrouble]).toEqual([undefined, undefined]);
    for (let at = 0; at < 3; at += 1) listener.trouble(statusTrouble('the kubelet', 401));
    expect([warned, index.lastTrouble?.reason]).toEqual([
      ['the kubelet does not know the daemon (401)'],
      'K8S_UNAUTHENTICATED',
    ]);
    list(0, {});
    expect([index.size, index.lastTrouble]).toEqual([1, undefined]);
  });
});
