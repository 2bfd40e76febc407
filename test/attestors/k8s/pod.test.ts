// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { isUsable, type Pod, parsePod, samePod } from '../../../attestors/k8s/pod.ts';
import { kinds } from '../../../attestors/k8s/selectors.ts';
import { idOf, type PodWords, podJson, UID_A } from '../../support/k8s-pods.ts';

function usable(words: PodWords = {}): Pod {
  const pod = parsePod(podJson(words));
  if (pod === undefined || !isUsable(pod)) throw new Error(`not usable: ${JSON.stringify(pod)}`);
  return pod;
}
const containerOf = (pod: Pod, id: string) => pod.containers.get(idOf(id))?.selectors;

describe('the selectors of a pod', () => {
  it('are spelled as in SPIRE', () => {
    const pod = usable({
      labels: { app: 'web', 'example.org/tier': 'a:b' },
      metadata: { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d9', uid: 'u-1', controller: true }] },
      containers: [
        { name: 'main', id: 'aa', image: 'web:1', imageID: 'docker-pullable://web@sha256:1' },
        { name: 'side', id: 'bb', image: 'side:2', imageID: 'sha256:2' },
      ],
      init: [{ name: 'prepare', id: 'cc', image: 'prepare:3', imageID: 'sha256:3' }],
    });
    expect(pod.selectors).toEqual([
      'node-name:node1',
      'ns:shop',
      'pod-label:app:web',
      'pod-label:example.org/tier:a:b',
      'pod-name:web',
      'pod-owner-uid:ReplicaSet:u-1',
      'pod-owner:ReplicaSet:web-5d9',
      `pod-uid:${UID_A}`,
      'sa:seller',
      'pod-image-count:2',
      'pod-image:docker-pullable://web@sha256:1',
      'pod-image:sha256:2',
      'pod-image:side:2',
      'pod-image:web:1',
      'pod-init-image-count:1',
      'pod-init-image:prepare:3',
      'pod-init-image:sha256:3',
    ]);
    expect(containerOf(pod, 'aa')).toEqual([
      'container-image:docker-pullable://web@sha256:1',
      'container-image:web:1',
      'container-name:main',
    ]);
  });

  it('are of kinds that are declared', () => {
    const pod = usable({ ephemeral: [{ name: 'debug', id: 'dd' }] });
    const all = [...pod.selectors, ...[...pod.containers.values()].flatMap(({ selectors }) => selectors)];
    expect(all.filter((selector) => kinds(true).get(selector.slice(0, selector.indexOf(':'))) !== 'authority')).toEqual(
      [],
    );
  });

  it('are of init and ephemeral containers too, whose images do not count as the pod’s', () => {
    const pod = usable({ init: [{ name: 'prepare', id: 'cc' }], ephemeral: [{ name: 'debug', id: 'dd' }] });
    expect(containerOf(pod, 'cc')).toContain('container-name:prepare');
    expect(containerOf(pod, 'dd')).toContain('container-name:debug');
    expect(pod.selectors.filter((one) => /debug/.test(one))).toEqual([]);
    expect(pod.selectors).toContain('pod-image-count:1');
  });

  it('leave out what is empty', () => {
    const pod = usable({
      spec: { serviceAccountName: undefined },
      containers: [{ name: 'main', id: 'aa', imageID: '' }],
    });
    expect(pod.selectors.filter((one) => one.endsWith(':'))).toEqual([]);
    expect(pod.selectors.some((one) => one.startsWith('sa:'))).toBe(false);
    expect(containerOf(pod, 'aa')).toEqual(['container-image:main:1', 'container-name:main']);
  });

  it('count what is listed, though it has no id yet', () => {
    const pod = usable({ containers: [{ name: 'main', id: 'aa' }, { name: 'late' }] });
    expect([pod.containers.size, pod.selectors.includes('pod-image-count:2')]).toEqual([1, true]);
  });

  it('B7: bear the names of object members as labels', () => {
    const labels = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    expect(usable({ labels }).selectors.filter((one) => one.startsWith('pod-label'))).toEqual([
      'pod-label:__proto__:x',
      'pod-label:constructor:y',
    ]);
    expect(isUsable(parsePod(JSON.parse('{"metadata":{"uid":"u","__proto__":{"name":"n"}}}')) as Pod)).toBe(true);
  });
});

describe('a pod', () => {
  it.each([
    ['a text', 'pod'],
    ['a list', []],
    ['null', null],
    ['an object without metadata', {}],
    ['a pod without a UID', podJson({ uid: '' })],
    ['a pod whose UID is no text', podJson({ metadata: { uid: 7 } })],
  ])('is none: %s', (_what, value) => {
    expect(parsePod(value)).toBeUndefined();
  });

  it.each([
    ['a label that is no text', podJson({ labels: { app: 1 } as never }), /labels/],
    ['labels in a list', podJson({ metadata: { labels: ['a'] } }), /labels is no object/],
    ['a name that is no text', podJson({ metadata: { name: {} } }), /name is no text/],
    ['owners that are no list', podJson({ metadata: { ownerReferences: {} } }), /ownerReferences is no list/],
    ['a spec that is a list', { metadata: { uid: 'u' }, spec: [] }, /no object/],
    ['a status that is text', { metadata: { uid: 'u' }, status: 'x' }, /no object/],
    [
      'A10: one id for two containers',
      podJson({ containers: [{ name: 'a', id: 'aa' }], init: [{ name: 'b', id: 'aa' }] }),
      /one id/,
    ],
    [
      'I9: over a thousand labels',
      podJson({ labels: Object.fromEntries(Array.from({ length: 1_100 }, (_, at) => [`l${at}`, 'x'])) }),
      /over 1024 selectors/,
    ],
  ])('is unusable with %s', (_what, value, reason) => {
    expect(parsePod(value)).toEqual({ uid: expect.any(String), unusable: expect.stringMatching(reason) });
  });

  it.each([
    ['docker', `docker://${idOf('aa')}`, true],
    ['CRI-O', `cri-o://${idOf('aa')}`, true],
    ['an id in capitals', `docker://${idOf('AA')}`, false],
    ['a longer id', `docker://${idOf('aa')}a`, false],
    ['a path behind the id', `docker://${idOf('aa')}/x`, false],
  ])('A10: has the container of %s: %s', (_what, containerID, has) => {
    const value = podJson() as { status: { containerStatuses: { containerID: string }[] } };
    (value.status.containerStatuses[0] as { containerID: string }).containerID = containerID;
    expect((parsePod(value) as Pod).containers.has(idOf('aa'))).toBe(has);
  });

  it('A10: is called after a hash by its annotation only if that is no UID of another pod', () => {
    const hash = 'c0ffee00'.repeat(4);
    const named = (key: string, value: string) =>
      usable({ annotations: { [`kubernetes.io/${key}`]: value } }).configHash;
    expect(named('config.mirror', hash)).toBe(hash);
    expect(named('config.hash', hash)).toBe(hash);
    expect(named('config.hash', UID_A)).toBeUndefined();
  });
});

describe('two lists of a pod', () => {
  const same = (a: PodWords, b: PodWords) => samePod(usable(a), usable(b));

  it('say the same though they differ in what no selector is made of', () => {
    expect(same({ annotations: { a: '1' } }, { annotations: { a: '2' } })).toBe(true);
    expect(same({ labels: { a: '1', b: '2' } }, { labels: { b: '2', a: '1' } })).toBe(true);
  });

  it.each<[string, PodWords]>([
    ['a label', { labels: { app: 'shop' } }],
    ['another label', { labels: { app: 'web', b: 'c' } }],
    ['the service account', { spec: { serviceAccountName: 'buyer' } }],
    ['an image', { containers: [{ name: 'main', id: 'aa', imageID: 'sha256:9' }] }],
    [
      'a container that got its id',
      {
        containers: [
          { name: 'main', id: 'aa' },
          { name: 'side', id: 'bb' },
        ],
      },
    ],
    ['a container that was started anew', { containers: [{ name: 'main', id: 'bb' }] }],
    ['an ephemeral container', { ephemeral: [{ name: 'debug', id: 'dd' }] }],
  ])('differ by %s', (_what, words) => {
    expect(same({}, words)).toBe(false);
  });
});
