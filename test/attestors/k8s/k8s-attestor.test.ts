// SPDX-License-Identifier: Apache-2.0
/** Callers in pods of a kubelet on a real socket; their cgroups and the time are made up. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ContainerRecord } from '../../../attestors/k8s/runtime.ts';
import type { Applies } from '../../../src/attestation/plugin.ts';
import type { FakeKubelet } from '../../support/fake-kubelet.ts';
import { K8sBench, valuesOf } from '../../support/k8s-bench.ts';
import { type CgroupCaller, callerIn, cgroupOf, idOf, podJson, UID_A, UID_B } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('k8s-attestor');
const never = new AbortController().signal;
let bench: K8sBench;
let kubelet: FakeKubelet;

beforeEach(async () => {
  bench = await K8sBench.open(folder);
  ({ kubelet } = bench);
  kubelet.pods = [
    podJson({
      containers: [
        { name: 'main', id: 'aa' },
        { name: 'side', id: 'bb' },
      ],
    }),
  ];
});
afterEach(() => bench.close());

const at = (cgroup = cgroupOf(), more: Partial<CgroupCaller> = {}) => callerIn({ cgroup, ...more });

describe('a caller in a container of a pod', () => {
  it('has the pod’s selectors and the container’s, which rest on the pod', async () => {
    const found = await bench.attestor().attest(at(), never);
    expect(found).toMatchObject({ applies: true, restsOn: [UID_A], leftOut: [] });
    expect(valuesOf(found)).toEqual(
      expect.arrayContaining([
        `pod-uid:${UID_A}`,
        'ns:shop',
        'sa:seller',
        'pod-label:app:web',
        'pod-image-count:2',
        'container-name:main',
      ]),
    );
    expect((found as Applies).selectors.every(({ strength }) => strength === 'authority')).toBe(true);
    expect((found as Applies).facts).toEqual({
      pod_uid: UID_A,
      pod_name: 'web',
      namespace: 'shop',
      service_account: 'seller',
      node_name: 'node1',
      container_id: idOf('aa'),
      container_name: 'main',
    });
  });

  it('A10: is told apart from one in another container of the pod, and of another pod', async () => {
    kubelet.pods = [...kubelet.pods, podJson({ uid: UID_B, name: 'db', containers: [{ name: 'main', id: 'cc' }] })];
    const it = bench.attestor();
    const namesOf = async (uid: string, id: string) =>
      valuesOf(await it.attest(at(cgroupOf(uid, id)), never)).filter((one) => /^(pod-name|container-name)/.test(one));
    expect(await namesOf(UID_A, 'aa')).toEqual(['pod-name:web', 'container-name:main']);
    expect(await namesOf(UID_A, 'bb')).toEqual(['pod-name:web', 'container-name:side']);
    expect(await namesOf(UID_B, 'cc')).toEqual(['pod-name:db', 'container-name:main']);
  });

  it.each([
    ['an init container', { init: [{ name: 'prepare', id: 'cc' }] }, 'container-name:prepare'],
    ['an ephemeral container', { ephemeral: [{ name: 'debug', id: 'cc' }] }, 'container-name:debug'],
  ])('may be in %s', async (_what, words, selector) => {
    kubelet.pods = [podJson(words)];
    expect(valuesOf(await bench.attestor().attest(at(cgroupOf(UID_A, 'cc')), never))).toContain(selector);
  });

  it('A10: is refused when another pod lists that container', async () => {
    kubelet.pods = [podJson(), podJson({ uid: UID_B })];
    await expect(bench.attestor().attest(at(), never)).rejects.toMatchObject({ reason: 'POD_CONFLICT' });
    kubelet.pods = [podJson({ containers: [] }), podJson({ uid: UID_B })];
    await expect(bench.attestor().attest(at(), never)).rejects.toMatchObject({ reason: 'POD_CONFLICT' });
  });

  it('is refused when nothing can be said of its pod', async () => {
    kubelet.pods = [podJson({ labels: 7 as never })];
    await expect(bench.attestor().attest(at(), never)).rejects.toMatchObject({ reason: 'POD_UNUSABLE' });
  });

  it('has no container selectors where they are switched off', async () => {
    bench.named.add('container-name');
    kubelet.pods = [podJson({ containers: [] })];
    const found = await bench.attestor({ containerSelectors: false }).attest(at(), never);
    expect(valuesOf(found).filter((one) => one.startsWith('container'))).toEqual([]);
    expect((found as Applies).leftOut).toContainEqual({
      kind: 'container-name',
      reason: 'attestors.k8s.disable_container_selectors is on',
    });
  });
});

describe('a caller in no pod', () => {
  it.each([
    ['in no container', '/user.slice/user-1000.slice/session-1.scope', {}, 'its cgroup names no container'],
    ['in a container of Docker', `/docker/${idOf('aa')}`, {}, 'its cgroup names a container that is in no pod'],
    [
      'A10: in a cgroup that somebody called after a pod',
      cgroupOf(),
      { owners: { '/kubepods': 1234 } },
      'its cgroup is called after a pod, but /kubepods is owned by uid 1234',
    ],
  ])('does not apply and costs no request: %s', async (_what, cgroup, more, reason) => {
    expect(await bench.attestor().attest(at(cgroup, more), never)).toEqual({ applies: false, reason });
    expect(kubelet.asked).toEqual([]);
  });

  it('A10: may be in one that the daemon cannot see from where it runs, and is refused', async () => {
    await expect(bench.attestor().attest(at(`/../..${cgroupOf()}`), never)).rejects.toMatchObject({
      reason: 'POD_UNPROVEN',
    });
  });
});

describe('a pod that the kubelet does not list', () => {
  it('is waited for', async () => {
    const listed = kubelet.pods;
    kubelet.pods = [];
    const look = bench.attestor().attest(at(), never);
    await bench.asked(1);
    kubelet.pods = listed;
    expect(valuesOf(await bench.overTime(look))).toContain('pod-name:web');
    expect(kubelet.asked.length).toBe(2);
  });

  it('fails the call in the end: a caller in a pod is never one in none', async () => {
    kubelet.pods = [];
    await expect(bench.overTime(bench.attestor().attest(at(), never))).rejects.toMatchObject({
      reason: 'POD_UNKNOWN',
    });
    expect(kubelet.asked.length).toBeGreaterThanOrEqual(2);
  });

  it('was deleted, if it had been listed before', async () => {
    const it = bench.attestor();
    await it.attest(at(), never);
    kubelet.pods = [];
    await bench.clock.advance(3_000);
    expect(await it.attest(at(), never)).toEqual({
      applies: false,
      reason: `its pod ${UID_A} was deleted`,
      restsOn: [UID_A],
    });
  });

  it('I8: was not deleted if the kubelet has been started anew meanwhile: the call fails', async () => {
    const it = bench.attestor();
    await it.attest(at(), never);
    kubelet.pods = [];
    kubelet.drop();
    await bench.clock.advance(3_000);
    await expect(bench.overTime(it.attest(at(), never))).rejects.toMatchObject({ reason: 'POD_UNKNOWN' });
  });
});

describe('a container that the kubelet does not list yet', () => {
  const early = { containers: [{ name: 'main' }] };

  it('leaves out what depends on it while no entry names that', async () => {
    kubelet.pods = [podJson(early)];
    const found = await bench.attestor().attest(at(), never);
    expect(valuesOf(found)).toContain('pod-name:web');
    expect(valuesOf(found).filter((one) => /image|container/.test(one))).toEqual([]);
    expect((found as Applies).leftOut.map(({ kind, onDemand }) => [kind, onDemand])).toEqual([
      ['pod-image', true],
      ['pod-init-image', true],
      ['pod-image-count', true],
      ['pod-init-image-count', true],
      ['container-name', true],
      ['container-image', true],
    ]);
  });

  it.each(['container-name', 'container-image', 'pod-image', 'pod-image-count'])(
    'I1: is waited for while an entry names %s: nobody gets a lesser identity',
    async (kind) => {
      bench.named.add(kind);
      kubelet.pods = [podJson(early)];
      const look = bench.attestor().attest(at(), never);
      await bench.asked(1);
      kubelet.pods = [podJson()];
      expect(valuesOf(await bench.overTime(look))).toContain('container-name:main');
    },
  );

  it('fails the call in the end, if an entry names it', async () => {
    bench.named.add('container-name');
    kubelet.pods = [podJson(early)];
    await expect(bench.overTime(bench.attestor().attest(at(), never))).rejects.toMatchObject({ reason: 'POD_UNKNOWN' });
  });

  describe('and the runtime does', () => {
    const record: ContainerRecord = { pid: 7, podUid: UID_A, name: 'main' };
    const withRecord = (one: ContainerRecord) => bench.attestor({ runtime: { record: async () => one } });
    const caller = () => at(cgroupOf(), { others: new Map([[7, cgroupOf()]]) });

    it('has its name at once', async () => {
      bench.named.add('container-name');
      kubelet.pods = [podJson(early)];
      const found = await withRecord(record).attest(caller(), never);
      expect(valuesOf(found)).toContain('container-name:main');
      expect((found as Applies).leftOut.map(({ kind }) => kind)).not.toContain('container-name');
      expect((found as Applies).facts['container_name']).toBe('main');
    });

    it('A10: must agree with the kubelet on the name', async () => {
      expect(valuesOf(await withRecord(record).attest(caller(), never))).toContain('container-name:main');
      await expect(withRecord({ ...record, name: 'side' }).attest(caller(), never)).rejects.toMatchObject({
        reason: 'POD_CONFLICT',
      });
    });
  });
});

describe('a static pod', () => {
  const hash = 'c0ffee00'.repeat(4);
  const mirror = { uid: UID_B, annotations: { 'kubernetes.io/config.mirror': hash } };

  it('is found by the hash that is its UID', async () => {
    kubelet.pods = [podJson({ uid: hash })];
    expect(valuesOf(await bench.attestor().attest(at(cgroupOf(hash)), never))).toContain(`pod-uid:${hash}`);
  });

  it('is found by its mirror, which has another UID', async () => {
    kubelet.pods = [podJson(mirror)];
    const found = await bench.attestor().attest(at(cgroupOf(hash)), never);
    expect([valuesOf(found).includes(`pod-uid:${UID_B}`), (found as Applies).restsOn]).toEqual([true, [hash]]);
  });

  it('A10: is not found by a pod that says it is its mirror and does not list the container', async () => {
    kubelet.pods = [podJson({ ...mirror, containers: [{ name: 'main', id: 'dd' }] })];
    await expect(bench.overTime(bench.attestor().attest(at(cgroupOf(hash)), never))).rejects.toMatchObject({
      reason: 'POD_UNKNOWN',
    });
    kubelet.pods = [...kubelet.pods, podJson({ uid: 'real', annotations: mirror.annotations })];
    expect(valuesOf(await bench.attestor().attest(at(cgroupOf(hash)), never))).toContain('pod-uid:real');
  });
});
