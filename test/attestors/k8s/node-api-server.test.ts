// SPDX-License-Identifier: Apache-2.0
/** On a real node: the API server is watched instead of the kubelet being asked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { K8sDaemon, pathsOf } from '../../support/k8s-daemon.ts';
import { freshName } from '../../support/kubernetes-api.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

describeWithKubernetes('watching the API server', (kubernetes) => {
  const k8s = new K8sDaemon(kubernetes);
  beforeAll(async () => {
    const caPath = join(k8s.folder, 'api.crt');
    writeFileSync(caPath, kubernetes.node.apiServerCa);
    await k8s.start({
      kubelet: `api_server: "${kubernetes.node.apiServer}", ca_path: ${caPath}, token_path: ${k8s.tokenPath}`,
    });
  }, 120_000);
  afterAll(() => k8s.close(), 60_000);

  it('fails callers without the right to, tells containers apart with it, and follows what changes', async () => {
    const label = freshName('label');
    await k8s.entry('one', `k8s:pod-label:app:${label}`, 'k8s:container-name:one');
    await k8s.entry('two', `k8s:pod-label:app:${label}`, 'k8s:container-name:two');
    await k8s.entry('changed', 'k8s:pod-label:app:changed', 'k8s:container-name:one');
    const pod = await kubernetes.createPod({ labels: { app: label }, containers: [{ name: 'one' }, { name: 'two' }] });
    const [one, two] = [await pod.caller('one'), await pod.caller('two')];
    expect(await k8s.given(one)).toBe('UNAVAILABLE');
    expect(k8s.daemon.output).toMatch(/needs list and watch on pods/);

    const revoke = await k8s.grantWatch('pods');
    try {
      await k8s.becomes(one, 'one');
      const [call, other] = [k8s.call(one), k8s.call(two)];
      expect([pathsOf(await call.at(1)), pathsOf(await other.at(1))]).toEqual(['one', 'two']);
      await pod.relabel({ app: 'changed' });
      expect(pathsOf(await call.at(2))).toBe('changed');
      expect((await other.end).code).toBe(7);
    } finally {
      await revoke();
    }
  });

  it('knows a static pod by its mirror, whose UID is another', async () => {
    const revoke = await k8s.grantWatch('pods');
    try {
      const { mirror, remove } = await kubernetes.createStaticPod();
      await k8s.entry('static', `k8s:pod-uid:${mirror.uid}`, 'k8s:container-name:main');
      await k8s.becomes(await mirror.caller(), 'static');
      remove();
    } finally {
      await revoke();
    }
  });
});
