// SPDX-License-Identifier: Apache-2.0
/** On a real node: how the daemon proves itself to the kubelet, and what becomes of callers when it cannot be asked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { K8sDaemon } from '../../support/k8s-daemon.ts';
import { freshName } from '../../support/kubernetes-api.ts';
import { pem, TestCa } from '../../support/test-ca.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

/** What the operator reads. */
async function logged(k8s: K8sDaemon, text: RegExp): Promise<void> {
  while (!text.test(k8s.daemon.output)) await sleep(50);
}

describeWithKubernetes('the token', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes);

  it('is of now: one that has expired is refused, and the next one is used at once', async () => {
    await k8s.entry('pod', 'k8s:ns:default');
    const caller = await (await kubernetes.createPod()).caller();
    expect(await k8s.given(caller)).toBe('pod');
    await k8s.rotate(-300);
    await k8s.becomes(caller, 'UNAVAILABLE');
    await logged(k8s, /does not know the daemon \(401\)/);
    await k8s.rotate(600);
    await k8s.becomes(caller, 'pod');
  });

  it('may expire under an open stream, which goes on with what it has', async () => {
    await k8s.entry('open', 'k8s:ns:default', 'unix:uid:4245');
    const call = k8s.call(await (await kubernetes.createPod()).caller('main', { uid: 4245 }));
    await call.at(1);
    await k8s.rotate(-300);
    await sleep(3_000);
    await k8s.rotate(600);
    expect(await Promise.race([call.end.then(() => 'ended'), sleep(1_000, 'open')])).toBe('open');
  });

  it('without the right is refused otherwise than one that is unknown', async () => {
    const account = await kubernetes.createServiceAccount();
    const caller = await (await kubernetes.createPod()).caller();
    writeFileSync(k8s.tokenPath, await kubernetes.requestToken(account));
    await k8s.becomes(caller, 'UNAVAILABLE');
    await logged(k8s, /does not let the daemon list pods \(403\)/);
    await k8s.rotate(600);
    await k8s.becomes(caller, 'pod');
  });
});

describeWithKubernetes('the kubelet', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes);

  it('A13: is not believed when another CA is configured', async () => {
    await k8s.entry('pod', 'k8s:ns:default');
    const caller = await (await kubernetes.createPod()).caller();
    expect(await k8s.given(caller)).toBe('pod');
    writeFileSync(k8s.caPath, pem(TestCa.create('cluster.local').der));
    await k8s.becomes(caller, 'UNAVAILABLE');
    await logged(k8s, /did not prove to be the right one/);
    writeFileSync(k8s.caPath, kubernetes.node.kubeletCa);
    await k8s.becomes(caller, 'pod');
  });
});

describeWithKubernetes('with a client certificate', (kubernetes) => {
  const k8s = new K8sDaemon(kubernetes);

  it('the daemon needs no token', async () => {
    const group = freshName('group');
    await kubernetes.grantNodesProxy({ group });
    const { certificate, key } = await kubernetes.clientCertificate('assay', [group]);
    const [certificatePath, keyPath] = [join(k8s.folder, 'tls.crt'), join(k8s.folder, 'tls.key')];
    writeFileSync(certificatePath, certificate);
    writeFileSync(keyPath, key, { mode: 0o600 });
    try {
      await k8s.start({
        kubelet: `kubelet_url: "${kubernetes.node.kubelet}", ca_path: ${k8s.caPath}, certificate_path: ${certificatePath}, private_key_path: ${keyPath}`,
      });
      await k8s.entry('pod', 'k8s:ns:default');
      await k8s.becomes(await (await kubernetes.createPod()).caller(), 'pod');
    } finally {
      await k8s.close();
    }
  });
});

describeWithKubernetes('on the read-only port', (kubernetes) => {
  const port = kubernetes.node.kubeletReadOnly.replace(/^.*:/, '');
  const k8s = K8sDaemon.forTests(kubernetes, { kubelet: `insecure_read_only_port: ${port}` });

  it('A13: the kubelet is asked where an operator wants it', async () => {
    await k8s.entry('pod', 'k8s:ns:default');
    expect(await k8s.given(await (await kubernetes.createPod()).caller())).toBe('pod');
  });
});

describeWithKubernetes(
  'a kubelet that is down or slow',
  (kubernetes) => {
    const k8s = K8sDaemon.forTests(kubernetes);

    it.each([
      ['stop', 'start', /cannot be reached \(ECONNREFUSED\)/],
      ['pause', 'resume', /did not answer within 4000 ms/],
    ] as const)('I8: fails new callers and leaves open streams alone: %s', async (down, up, text) => {
      const path = `while-${down}`;
      const pod = await kubernetes.createPod({ labels: { app: path } });
      await k8s.entry(path, `k8s:pod-label:app:${path}`);
      const caller = await pod.caller();
      const call = k8s.call(caller);
      expect(await k8s.first(call)).toBe(path);
      await kubernetes.kubelet(down);
      await k8s.becomes(caller, 'UNAVAILABLE');
      await logged(k8s, text);
      // Long enough that what is known of the pod is no longer relied on.
      await sleep(12_000);
      expect(call.messages.length).toBe(1);
      await kubernetes.kubelet(up);
      await k8s.becomes(caller, path);
      expect(await Promise.race([call.end.then(() => 'ended'), sleep(3_000, 'open')])).toBe('open');
    });
  },
  { alone: true },
);
