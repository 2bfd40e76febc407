// SPDX-License-Identifier: Apache-2.0
/** Attack A10: which pod a cgroup names, and where such a name is the kubelet's doing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isWhereKubeletsPodsAre, placementOf } from '../../../attestors/k8s/pod-place.ts';
import { parseCgroups } from '../../../src/peer/proc-text.ts';
import { cgroupOf, idOf, UID_A, UID_B } from '../../support/k8s-pods.ts';

interface Vector {
  readonly what: string;
  /** Recorded on a machine, or where it was published. */
  readonly source: string;
  readonly root: string;
  readonly cgroup: string;
  readonly in: 'pod' | 'no pod' | 'doubt';
  readonly uid?: string;
  readonly id?: string;
}
const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/k8s/cgroups.json'), 'utf8'),
) as readonly Vector[];

const placed = (cgroup: string, root = '/') =>
  placementOf(parseCgroups(Buffer.from(cgroup.startsWith('/') ? `0::${cgroup}\n` : cgroup)), root);
const expected = (path: string, root = '/', uid = UID_A): boolean =>
  isWhereKubeletsPodsAre({ uid, containerId: idOf('aa'), paths: new Set([path]) }, root);
const MADE = UID_A.replaceAll('-', '_');

describe('a cgroup as a runtime makes it', () => {
  it.each(vectors.map((one) => [one.what, one] as const))('%s', (_what, vector) => {
    const placement = placed(vector.cgroup, vector.root);
    expect(placement.in).toBe(vector.in);
    if (placement.in !== 'pod') return;
    const { place } = placement;
    expect([place.uid, place.containerId]).toEqual([vector.uid, vector.id]);
    for (const path of place.paths) expect(vector.cgroup).toContain(path);
    expect(isWhereKubeletsPodsAre(place, vector.root)).toBe(true);
  });

  it('comes from somewhere that can be looked up', () => {
    for (const { source } of vectors) expect(source).toMatch(/^(?:github\.com\/.*commit|recorded )/);
  });
});

describe('the place of a caller', () => {
  it('is the container’s own folder, though the caller is further down', () => {
    expect(placed(`${cgroupOf()}/init.scope`)).toEqual({
      in: 'pod',
      place: { uid: UID_A, containerId: idOf('aa'), paths: new Set([cgroupOf()]) },
    });
  });

  it('A10: is the outermost container’s, whatever is made below it', () => {
    const nested = `${cgroupOf()}${cgroupOf(UID_B, 'bb')}`;
    expect(placed(nested)).toMatchObject({ place: { uid: UID_A, containerId: idOf('aa') } });
    expect(placed(`/docker/${idOf('dd')}${cgroupOf(UID_B, 'bb')}`)).toEqual({
      in: 'no pod',
      reason: 'its cgroup names a container that is in no pod',
    });
  });

  it('A10: is in doubt when two hierarchies name different containers', () => {
    expect(placed(`2:memory:${cgroupOf(UID_A, 'aa')}\n0::${cgroupOf(UID_A, 'bb')}\n`).in).toBe('doubt');
    expect(placed(`2:memory:${cgroupOf(UID_A, 'aa')}\n0::${cgroupOf(UID_B, 'aa')}\n`).in).toBe('doubt');
    expect(placed(`2:memory:${cgroupOf()}\n0::/\n`).in).toBe('pod');
  });

  it('A10: is every path at which a hierarchy has that container, all of which must be the kubelet’s', () => {
    const placement = placed(`2:memory:${cgroupOf()}\n1:cpu:/made${cgroupOf()}\n`);
    if (placement.in !== 'pod') throw new Error(placement.reason);
    expect([...placement.place.paths]).toEqual([cgroupOf(), `/made${cgroupOf()}`]);
    expect(isWhereKubeletsPodsAre(placement.place, '/')).toBe(false);
  });

  it('A10: is in doubt outside the daemon’s cgroup namespace, where owners cannot be asked for', () => {
    expect(placed(`/../..${cgroupOf()}`).in).toBe('doubt');
    expect(placed('/../user.slice').in).toBe('no pod');
  });
});

describe('where the kubelet has its pods', () => {
  it.each([
    ['cgroupfs, guaranteed', `/kubepods/pod${UID_A}/${idOf('aa')}`, '/'],
    ['cgroupfs, burstable', `/kubepods/burstable/pod${UID_A}/${idOf('aa')}`, '/'],
    ['systemd, guaranteed', `/kubepods.slice/kubepods-pod${MADE}.slice/cri-containerd-${idOf('aa')}.scope`, '/'],
    [
      'systemd, best effort',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${MADE}.slice/crio-${idOf('aa')}.scope`,
      '/',
    ],
    [
      'systemd, cgroup root /kubelet',
      `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${MADE}.slice/cri-containerd-${idOf('aa')}.scope`,
      '/kubelet.slice',
    ],
    [
      'a runtime that takes the systemd driver’s names for plain ones',
      `/system.slice/containerd.service/kubepods-burstable-pod${MADE}.slice:cri-containerd:${idOf('aa')}`,
      '/system.slice/containerd.service',
    ],
  ])('is %s', (_what, path, root) => {
    expect(expected(path, root)).toBe(true);
  });

  it.each([
    ['further down', `/other/kubepods/pod${UID_A}/${idOf('aa')}`],
    ['within a container of another name', `/lxc.payload.x/kubepods/besteffort/pod${UID_A}/${idOf('aa')}`],
    ['outside kubepods', `/pods/besteffort/pod${UID_A}/${idOf('aa')}`],
    ['outside kubepods with no class', `/pods/pod${UID_A}/${idOf('aa')}`],
    ['in a class that is none', `/kubepods/other/pod${UID_A}/${idOf('aa')}`],
    ['two folders below the pod', `/kubepods/pod${UID_A}/x/${idOf('aa')}`],
    ['in another pod', `/kubepods/besteffort/pod${UID_B}/${idOf('aa')}`],
    ['without a pod', `/kubepods/${idOf('aa')}`],
    ['another container', `/kubepods/pod${UID_A}/${idOf('bb')}`],
    ['below another cgroup root', `/kubelet/kubepods/pod${UID_A}/${idOf('aa')}`],
    ['one folder that is no pod’s', `/x-pod${MADE}.slice:cri-containerd:${idOf('aa')}`],
    ['nowhere', '/'],
  ])('A10: is not %s', (_what, path) => {
    expect(expected(path)).toBe(false);
  });
});
