// SPDX-License-Identifier: Apache-2.0
/** The test bed's node does what other tests rely on. */
import { existsSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { describeWithKubernetes } from '../support/testbed.ts';

describeWithKubernetes('a pod', (kubernetes) => {
  it('runs, and a caller in it is in the cgroup of the pod and of the container', async () => {
    const pod = await kubernetes.createPod({ labels: { app: 'web' }, containers: [{ name: 'one' }, { name: 'two' }] });
    for (const name of ['one', 'two']) {
      const container = await pod.container(name);
      const caller = await container.caller({ uid: 4242 });
      const { cgroup, uid } = await caller.look();
      expect(cgroup).toContain(`pod${pod.uid}/${container.id}`);
      expect(uid).toBe(4242);
      await caller.exit();
    }
  });

  it('is what the kubelet says it is', async () => {
    const account = await kubernetes.createServiceAccount();
    await kubernetes.grantNodesProxy({ serviceAccount: account });
    const pod = await kubernetes.createPod({ labels: { app: 'web' }, serviceAccount: account });
    const { text } = await kubernetes.askKubelet('/pods', { token: await kubernetes.requestToken(account) });
    const { items } = JSON.parse(text) as { items: { metadata: { uid: string; labels: object } }[] };
    expect(items.find(({ metadata }) => metadata.uid === pod.uid)?.metadata.labels).toEqual({ app: 'web' });
    await pod.relabel({ app: null, tier: 'back' });
    expect((await pod.object()).metadata.labels).toEqual({ tier: 'back' });
  });

  it('has init containers, and takes an ephemeral one while it runs', async () => {
    const pod = await kubernetes.createPod({ wait: false, initContainers: [{ name: 'first' }] });
    const first = await (await pod.container('first')).caller();
    expect((await first.look()).cgroup).toContain(pod.uid);
    await (await pod.container('first')).kill('SIGTERM').catch(() => undefined);
    const running = await kubernetes.createPod();
    const debug = await running.addEphemeralContainer('debug');
    const caller = await debug.caller();
    expect((await caller.look()).cgroup).toContain(`pod${running.uid}/${debug.id}`);
  });

  it('may be made again under its name, and is another one', async () => {
    const pod = await kubernetes.createPod();
    const caller = await pod.caller();
    await pod.delete();
    await caller.program.ended;
    expect(existsSync(`/proc/${caller.pid}`)).toBe(false);
    const again = await kubernetes.createPod({ name: pod.name });
    expect(again.uid).not.toBe(pod.uid);
  });

  it('may be static, and its cgroup has another uid than its mirror', async () => {
    const { mirror } = await kubernetes.createStaticPod();
    const { cgroup } = await (await mirror.caller()).look();
    expect(cgroup).toMatch(/\/pod[0-9a-f]{32}\//);
    expect(cgroup).not.toContain(mirror.uid);
  });
});

describeWithKubernetes('the kubelet', (kubernetes) => {
  it('tells no token (401), a token without the right (403) and one with it (200) apart', async () => {
    const account = await kubernetes.createServiceAccount();
    const token = await kubernetes.requestToken(account);
    const status = async (credential: Parameters<typeof kubernetes.askKubelet>[1]): Promise<number> =>
      (await kubernetes.askKubelet('/pods', credential)).status;
    expect(await status({ anonymous: true })).toBe(401);
    expect(await status({ token })).toBe(403);
    const revoke = await kubernetes.grantNodesProxy({ serviceAccount: account });
    await becomes(() => status({ token }), 200);
    expect(await status({ token: await kubernetes.signToken(account, 60) })).toBe(200);
    expect(await status({ token: await kubernetes.signToken(account, -120) })).toBe(401);
    await revoke();
    await becomes(() => status({ token }), 403);
  });

  it('sees a token expire', async () => {
    const account = await kubernetes.createServiceAccount();
    await kubernetes.grantNodesProxy({ serviceAccount: account });
    const token = await kubernetes.signToken(account, -55);
    const status = async (): Promise<number> => (await kubernetes.askKubelet('/pods', { token })).status;
    await becomes(status, 200);
    await becomes(status, 401);
  });

  it('takes a client certificate of a user or a group with the right', async () => {
    await kubernetes.grantNodesProxy({ group: 'kubelet-readers' });
    const reader = await kubernetes.clientCertificate('assay', ['kubelet-readers']);
    const other = await kubernetes.clientCertificate('assay');
    await becomes(async () => (await kubernetes.askKubelet('/pods', reader)).status, 200);
    expect((await kubernetes.askKubelet('/pods', other)).status).toBe(403);
  });

  it('has a read-only port', async () => {
    const answer = await fetch(`${kubernetes.node.kubeletReadOnly}/pods`);
    expect(await answer.json()).toMatchObject({ kind: 'PodList' });
  });
});

describeWithKubernetes(
  'a kubelet that a test has alone',
  (kubernetes) => {
    const healthy = (): Promise<boolean> =>
      fetch(`${kubernetes.node.kubeletReadOnly}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
        (answer) => answer.ok,
        () => false,
      );

    it('stops while its pods go on', async () => {
      const pod = await kubernetes.createPod();
      const caller = await pod.caller();
      await kubernetes.kubelet('stop');
      expect(await healthy()).toBe(false);
      expect((await caller.look()).cgroup).toContain(pod.uid);
      await kubernetes.kubelet('start');
      expect(await healthy()).toBe(true);
      expect((await caller.look()).cgroup).toContain(pod.uid);
    });

    it('pauses, and answers nothing meanwhile', async () => {
      await kubernetes.kubelet('pause');
      expect(await healthy()).toBe(false);
      await kubernetes.kubelet('resume');
      await becomes(healthy, true);
    });
  },
  { alone: true },
);

/** Asks again until it is so. */
async function becomes<Value>(ask: () => Promise<Value>, wanted: Value): Promise<void> {
  for (let left = 120; left > 0; left -= 1) {
    if ((await ask()) === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(await ask()).toBe(wanted);
}
