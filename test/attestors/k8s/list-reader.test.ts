// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { NoList, TooLarge } from '../../../attestors/k8s/item-splitter.ts';
import { type List, ListReader, ListTooLarge } from '../../../attestors/k8s/list-reader.ts';
import { type ListedPod, PODS } from '../../../attestors/k8s/pod-list.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { podJson, podList, UID_A, UID_B } from '../../support/k8s-pods.ts';

const clock = new FakeClock();

async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = (list: object | string, reader = new ListReader(clock, PODS)): Promise<List<ListedPod>> =>
  reader.read(pieces(Buffer.from(typeof list === 'string' ? list : JSON.stringify(list))));

describe('a list of pods', () => {
  it('is read by UID', async () => {
    const { items: pods } = await read(podList(podJson(), podJson({ uid: UID_B, name: 'db' })));
    expect([...pods].map(([uid, pod]) => [uid, 'name' in pod && pod.name])).toEqual([
      [UID_A, 'web'],
      [UID_B, 'db'],
    ]);
  });

  it('has the version that the API server gave it', async () => {
    expect((await read({ ...podList(), metadata: { resourceVersion: '42' } })).resourceVersion).toBe('42');
    expect((await read(podList())).resourceVersion).toBe('');
  });

  it('leaves out what has no UID, and keeps a pod of which nothing can be said', async () => {
    const { items: pods } = await read(podList({}, podJson({ labels: 7 as never })));
    expect([...pods.values()]).toEqual([{ uid: UID_A, unusable: 'labels is no object' }]);
  });

  it('does not parse a pod again whose bytes are those of the last list', async () => {
    const reader = new ListReader(clock, PODS);
    const first = await read(podList(podJson(), podJson({ uid: UID_B })), reader);
    const second = await read(podList(podJson({ uid: UID_B, labels: {} }), podJson()), reader);
    expect(second.items.get(UID_A)).toBe(first.items.get(UID_A));
    expect(second.items.get(UID_B)).not.toBe(first.items.get(UID_B));
  });

  it.each([
    ['of another kind', { ...podList(), kind: 'NodeList' }, NoList],
    ['without items', { kind: 'PodList' }, NoList],
    ['that is null', 'null', NoList],
    ['that is empty', '', NoList],
    ['that is cut off', '{"kind":"PodList","items":[{"metadata":{"uid":"a"}}', NoList],
    ['that is text', 'the kubelet is not ready', NoList],
    ['with something behind it', `${JSON.stringify(podList())}{}`, NoList],
    ['with an item that is no JSON', '{"kind":"PodList","items":[{]}]}', NoList],
    ['A10: with two pods of one UID', podList(podJson(), podJson({ name: 'other' })), NoList],
    ['I9: with a pod of 3 MiB', podList(podJson({ annotations: { a: 'x'.repeat(3 << 20) } })), TooLarge],
  ])('is refused: one %s', async (_what, list, error) => {
    await expect(read(list)).rejects.toBeInstanceOf(error);
  });

  it('I9: is refused when it has too many pods, or too many bytes', async () => {
    const few = new ListReader(clock, { ...PODS, rules: { ...PODS.rules, items: 1 } });
    await expect(read(podList(podJson(), podJson({ uid: UID_B })), few)).rejects.toThrow(/over 1 pods/);
    const short = new ListReader(clock, { ...PODS, rules: { ...PODS.rules, listBytes: 1_500 } });
    await expect(read(podList(podJson({ annotations: { a: 'x'.repeat(2_000) } })), short)).rejects.toBeInstanceOf(
      ListTooLarge,
    );
  });

  it('I10: is quoted in no error', async () => {
    const secret = '{"kind":"PodList","items":[{"metadata": {"annotations": {"a": canary-secret}}}]}';
    const error = await read(secret).catch((caught: Error) => caught);
    expect(String((error as Error).stack)).not.toContain('canary');
  });

  it('leaves the event loop to others while it is read', async () => {
    const pods = Array.from({ length: 500 }, (_, at) =>
      podJson({ uid: `uid-${at}`, annotations: { a: 'x'.repeat(8_000) } }),
    );
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const reader = new ListReader({ monotonic: () => performance.now() }, PODS);
    // All of it is there at once, as after a pause of the reader.
    const bytes = Buffer.from(JSON.stringify(podList(...pods)));
    const before = turns;
    const { items: found } = await reader.read(pieces(bytes, bytes.length));
    clearImmediate(timer);
    expect(found.size).toBe(500);
    expect(turns - before).toBeGreaterThan(3);
  });
});
