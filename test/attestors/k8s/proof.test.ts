// SPDX-License-Identifier: Apache-2.0
/** Attack A10: pod UID, container id, cgroup tree and the runtime's record agree, or nothing is believed. */
import { describe, expect, it } from '@jest/globals';
import { placementOf } from '../../../attestors/k8s/pod-place.ts';
import { PodProof, type Proof } from '../../../attestors/k8s/proof.ts';
import type { ContainerRecord, ContainerRuntime } from '../../../attestors/k8s/runtime.ts';
import { type CgroupCaller, callerIn, cgroupOf, idOf, UID_A, UID_B } from '../../support/k8s-pods.ts';

const never = new AbortController().signal;
const FIRST = 77;

class TestRuntime implements ContainerRuntime {
  readonly records = new Map<string, ContainerRecord>();
  asked = 0;
  record = async (id: string): Promise<ContainerRecord | undefined> => {
    this.asked += 1;
    return this.records.get(id);
  };
}

async function prove(proof: PodProof, caller: CgroupCaller, root = '/'): Promise<Proof> {
  const process = callerIn(caller);
  const placement = placementOf(await process.cgroups(), root);
  if (placement.in !== 'pod') throw new Error(`not in a pod: ${placement.reason}`);
  return proof.prove(process, placement.place, never);
}
const others = (path = cgroupOf()) => new Map([[FIRST, path]]);

describe('without a runtime, the cgroup tree', () => {
  const proof = new PodProof('/', undefined);

  it('proves a pod where the kubelet alone has folders made', async () => {
    expect(await prove(proof, { cgroup: cgroupOf() })).toEqual({ proven: true, record: undefined });
    expect(
      (await prove(proof, { cgroup: `${cgroupOf()}/made/inside`, owners: { [`${cgroupOf()}/made`]: 1000 } })).proven,
    ).toBe(true);
  });

  it('A10: proves nothing where anybody else owns a folder: such a caller is in no pod', async () => {
    for (const folder of ['/kubepods', `/kubepods/besteffort/pod${UID_A}`, cgroupOf()]) {
      expect(await prove(proof, { cgroup: cgroupOf(), owners: { [folder]: 1234 } })).toEqual({
        proven: false,
        reason: `its cgroup is called after a pod, but ${folder} is owned by uid 1234`,
      });
    }
    const user = `/user.slice/user-1234.slice/user@1234.service/app.slice/pod${UID_A}/${idOf('aa')}`;
    expect(await prove(proof, { cgroup: user })).toMatchObject({ proven: false, reason: /of a user's own manager/ });
  });

  it('A10: proves nothing where one hierarchy has it in a folder of somebody else', async () => {
    const cgroup = `2:memory:/made${cgroupOf()}\n0::${cgroupOf()}\n`;
    expect(await prove(proof, { cgroup, owners: { '/made': 1234 } })).toMatchObject({ proven: false });
  });

  it.each([
    `/lxc.payload.web${cgroupOf()}`,
    `/machine.slice/machine-web.scope/payload${cgroupOf()}`,
    `/kubelet${cgroupOf()}`,
  ])('A10: fails where root made it, but not as the kubelet does: %s', async (cgroup) => {
    await expect(prove(proof, { cgroup })).rejects.toMatchObject({
      reason: 'POD_UNPROVEN',
      text: `${cgroup} is called after a pod, but is not where the kubelet's pods are`,
    });
  });

  it('proves a pod below the cgroup root that is configured', async () => {
    const cgroup = `/kubelet${cgroupOf()}`;
    expect((await prove(new PodProof('/kubelet', undefined), { cgroup }, '/kubelet')).proven).toBe(true);
  });

  it('A10: fails where nobody can be asked who made the folders', async () => {
    const mounts = { unified: undefined, systemd: undefined, named: new Map<string, string>() };
    await expect(prove(proof, { cgroup: cgroupOf(), mounts })).rejects.toMatchObject({
      reason: 'POD_UNPROVEN',
      message: expect.stringMatching(/not mounted here/),
    });
  });
});

describe('with a runtime, its record', () => {
  const record: ContainerRecord = { pid: FIRST, podUid: UID_A, name: 'main' };

  function withRecord(one: ContainerRecord | undefined) {
    const runtime = new TestRuntime();
    if (one !== undefined) runtime.records.set(idOf('aa'), one);
    return { runtime, proof: new PodProof('/', runtime) };
  }

  it('proves the pod with the tree, also where the kubelet puts none', async () => {
    const { proof } = withRecord(record);
    expect(await prove(proof, { cgroup: cgroupOf(), others: others() })).toEqual({ proven: true, record });
    const cgroup = `/system.slice/containerd.service${cgroupOf()}`;
    expect((await prove(proof, { cgroup, others: others(cgroup) })).proven).toBe(true);
  });

  it.each<[string, ContainerRecord | undefined, string, RegExp]>([
    ['it has no such container', undefined, cgroupOf(), /runs no container/],
    ['the container is in another pod', { ...record, podUid: UID_B }, cgroupOf(), /in another pod/],
    ['the container is in no pod', { ...record, podUid: undefined }, cgroupOf(), /or in none/],
    ['its first process is gone', { ...record, pid: 1 }, cgroupOf(), /is gone/],
    ['its first process is elsewhere', record, '/user.slice', /in no cgroup of that name/],
    ['its first process is in a twin of that name', record, `/docker${cgroupOf()}`, /in no cgroup of that name/],
  ])('A10: fails when %s', async (_what, one, first, reason) => {
    const { proof } = withRecord(one);
    await expect(prove(proof, { cgroup: cgroupOf(), others: others(first) })).rejects.toMatchObject({
      reason: 'POD_UNPROVEN',
      message: expect.stringMatching(reason),
    });
  });

  it('A10: is not asked about a caller whose folders somebody else owns', async () => {
    const { proof, runtime } = withRecord(record);
    const caller = { cgroup: cgroupOf(), others: others(), owners: { '/kubepods': 1234 } };
    expect([(await prove(proof, caller)).proven, runtime.asked]).toEqual([false, 0]);
  });

  it('is asked for once a container, and again when what it said no longer holds', async () => {
    const { proof, runtime } = withRecord(record);
    const caller = { cgroup: cgroupOf(), others: others() };
    await prove(proof, caller);
    await prove(proof, caller);
    expect(runtime.asked).toBe(1);
    runtime.records.set(idOf('aa'), { ...record, pid: 99 });
    expect((await prove(proof, { cgroup: cgroupOf(), others: new Map([[99, cgroupOf()]]) })).proven).toBe(true);
    expect(runtime.asked).toBe(2);
  });

  it('I9: is remembered of some thousand containers', async () => {
    const { proof, runtime } = withRecord(record);
    const caller = { cgroup: cgroupOf(), others: others() };
    await prove(proof, caller);
    for (let at = 0; at < 4_096; at += 1) {
      const containerId = at.toString(16).padStart(64, '0');
      const cgroup = `/kubepods/pod${UID_A}/${containerId}`;
      runtime.records.set(containerId, record);
      await prove(proof, { cgroup, others: others(cgroup) });
    }
    const before = runtime.asked;
    await prove(proof, caller);
    expect(runtime.asked).toBe(before + 1);
  });
});
