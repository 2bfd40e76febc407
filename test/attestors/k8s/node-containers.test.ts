// SPDX-License-Identifier: Apache-2.0
/** On a real node: who is in which pod and container, and who only looks as if. */
import { chownSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { cgroupMounts } from '../../../src/peer/cgroup-owner.ts';
import { InsideCaller } from '../../support/inside-caller.ts';
import { K8sDaemon } from '../../support/k8s-daemon.ts';
import type { Kubernetes } from '../../support/kubernetes.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

/** Not in a pod, nor in any container. */
const MACHINE = { prefix: ['env'] };
const hierarchies = [...new Set([...cgroupMounts().named.values(), cgroupMounts().unified ?? []].flat())];

const made: string[] = [];
const moved: InsideCaller[] = [];
afterEach(async () => {
  for (const caller of moved.splice(0)) await caller.kill();
  for (const folder of made.splice(0).reverse()) rmdirSync(folder);
});

/** Makes a cgroup below each hierarchy and puts a process there. */
function moveTo(path: string, caller: InsideCaller, owner = 0): void {
  moved.push(caller);
  const names = path.split('/').slice(1);
  for (const mount of hierarchies) {
    for (let depth = 1; depth <= names.length; depth += 1) {
      const folder = join(mount, ...names.slice(0, depth));
      try {
        mkdirSync(folder);
      } catch {
        continue;
      }
      made.push(folder);
      chownSync(folder, owner, owner);
    }
    try {
      writeFileSync(join(mount, path, 'cgroup.procs'), String(caller.pid));
    } catch {
      // cpuset takes nobody before it has been set up.
    }
  }
}

function tellsApart(kubernetes: Kubernetes, k8s: K8sDaemon): void {
  it('A10: two containers of one pod are told apart, and an init and an ephemeral one too', async () => {
    const pod = await kubernetes.createPod({ containers: [{ name: 'one' }, { name: 'two' }] });
    await pod.addEphemeralContainer('debug');
    const init = await kubernetes.createPod({ wait: false, initContainers: [{ name: 'prepare' }] });
    const here = `k8s:pod-uid:${pod.uid}`;
    for (const name of ['one', 'two', 'debug']) await k8s.entry(name, here, `k8s:container-name:${name}`);
    await k8s.entry('prepare', `k8s:pod-uid:${init.uid}`, 'k8s:container-name:prepare');
    for (const name of ['one', 'two', 'debug']) await k8s.becomes(await pod.caller(name, { uid: 4242 }), name);
    await k8s.becomes(await init.caller('prepare'), 'prepare');
  });

  it('A10: a twin of the pod’s folder that root made elsewhere gives nothing at all', async () => {
    const pod = await kubernetes.createPod();
    const { id } = await pod.container();
    await k8s.entry('victim', `k8s:pod-uid:${pod.uid}`);
    await k8s.entry('anybody', 'unix:uid:1235');
    const caller = await InsideCaller.start(MACHINE, { uid: 1235 });
    moveTo(`/assay-twin-${caller.pid}/kubepods/besteffort/pod${pod.uid}/${id}`, caller);
    expect(await k8s.given(caller)).toBe('UNAVAILABLE');
  });
}

describeWithKubernetes('proven by the cgroup tree', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes);
  tellsApart(kubernetes, k8s);

  it('A10: a pod made again under its name is another one', async () => {
    const pod = await kubernetes.createPod();
    const id = await k8s.entry('first', `k8s:pod-uid:${pod.uid}`);
    await k8s.entry('named', `k8s:pod-name:${pod.name}`);
    expect(await k8s.given(await pod.caller())).toBe('first named');
    await pod.delete();
    const again = await kubernetes.createPod({ name: pod.name });
    expect(await k8s.given(await again.caller())).toBe('named');
    await k8s.forget(id);
  });

  it('is a static pod by the UID that the kubelet gives it, which the API server does not know', async () => {
    const { mirror, remove } = await kubernetes.createStaticPod();
    const { cgroup } = await (await mirror.caller()).look();
    const [, hash] = /\/pod([0-9a-f]{32})\//.exec(cgroup) ?? [];
    await k8s.entry('static', `k8s:pod-uid:${hash}`, `k8s:pod-name:${mirror.name}`, 'k8s:container-name:main');
    await k8s.becomes(await mirror.caller(), 'static');
    remove();
  });

  it('A10: a process of the machine and one in a container of Docker are in no pod', async () => {
    await k8s.entry('uid', 'unix:uid:4244');
    await k8s.entry('pod', 'k8s:ns:default', 'unix:uid:4244');
    expect(await k8s.given(await InsideCaller.start(MACHINE, { uid: 4244 }))).toBe('uid');
    const container = await kubernetes.docker.run();
    expect(await k8s.given(await container.caller({ uid: 4244 }))).toBe('uid');
  });

  it('A10: a name in the cgroup tree that another uid made is nobody’s pod', async () => {
    const pod = await kubernetes.createPod();
    const { id } = await pod.container();
    await k8s.entry('victim', `k8s:pod-uid:${pod.uid}`);
    await k8s.entry('anybody', 'unix:uid:1234');
    const caller = await InsideCaller.start(MACHINE, { uid: 1234 });
    moveTo(`/assay-forged-${caller.pid}/kubepods/besteffort/pod${pod.uid}/${id}`, caller, 1234);
    expect((await caller.look()).cgroup).toContain(pod.uid);
    expect(await k8s.given(caller)).toBe('anybody');
  });

  it('A10: what is made within a pod’s own container changes nothing: the outermost counts', async () => {
    const [pod, victim] = [await kubernetes.createPod(), await kubernetes.createPod()];
    const [container, other] = [await pod.container(), await victim.container()];
    await k8s.entry('victim', `k8s:pod-uid:${victim.uid}`);
    await k8s.entry('own', `k8s:pod-uid:${pod.uid}`);
    const caller = await pod.caller('main', { uid: 4243 });
    const { cgroup } = await caller.look();
    const [, own = ''] = new RegExp(`:(/\\S*${container.id})$`, 'm').exec(cgroup) ?? [];
    moveTo(`${own}/kubepods/besteffort/pod${victim.uid}/${other.id}`, caller);
    expect((await caller.look()).cgroup).toContain(victim.uid);
    expect(await k8s.given(caller)).toBe('own');
  });
});

describeWithKubernetes('proven by the cgroup tree and the record of Docker', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes, { more: 'runtime: { docker: /var/run/docker.sock }' });
  tellsApart(kubernetes, k8s);

  it('A10: a container that root puts into a pod’s folder is not the pod’s', async () => {
    const pod = await kubernetes.createPod();
    await k8s.entry('victim', `k8s:pod-uid:${pod.uid}`);
    const { cgroup } = await (await pod.caller()).look();
    const [, parent = ''] = /:(\/\S*\/pod[0-9a-f-]+)\/[0-9a-f]{64}$/m.exec(cgroup) ?? [];
    const intruder = await kubernetes.docker.run({ hostConfig: { CgroupParent: parent } });
    expect((await (await intruder.caller()).look()).cgroup).toContain(pod.uid);
    expect(await k8s.given(await intruder.caller())).toBe('UNAVAILABLE');
  });
});
