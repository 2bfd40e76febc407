// SPDX-License-Identifier: Apache-2.0
/** On a real node: the kubelet says what pods are, the API server what labels their namespace has. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { K8sDaemon, pathsOf } from '../../support/k8s-daemon.ts';
import { freshName } from '../../support/kubernetes-api.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

const PERMISSION_DENIED = 7;

describeWithKubernetes('the labels of a namespace', (kubernetes) => {
  const k8s = new K8sDaemon(kubernetes);
  /** Of the namespace that all pods of the tests are in: nobody else looks at it. */
  const key = `example.org/${freshName('label')}`;
  const relabel = (value: string | null) => kubernetes.relabelNamespace('default', { [key]: value });

  beforeAll(async () => {
    const caPath = join(k8s.folder, 'api.crt');
    writeFileSync(caPath, kubernetes.node.apiServerCa);
    const { apiServer } = kubernetes.node;
    await k8s.start({
      more: `enable_namespace_labels: true, namespace_api_server: "${apiServer}", namespace_ca_path: ${caPath}`,
    });
  }, 120_000);
  afterAll(async () => {
    await relabel(null);
    await k8s.close();
  }, 60_000);

  it('I1: are asked for once an entry names one, fail callers without the right to, and are followed', async () => {
    const app = freshName('label');
    const pod = await kubernetes.createPod({ labels: { app } });
    const caller = await pod.caller();
    const plain = await k8s.entry('plain', `k8s:pod-label:app:${app}`);
    await k8s.becomes(caller, 'plain');
    await relabel('one');
    for (const value of ['one', 'two', ''])
      await k8s.entry(`value-${value || 'empty'}`, `k8s:ns-label:${key}:${value}`, `k8s:pod-label:app:${app}`);
    await k8s.forget(plain);
    expect(await k8s.given(caller)).toBe('UNAVAILABLE');
    expect(k8s.daemon.output).toMatch(/needs list and watch on namespaces/);

    const revoke = await k8s.grantWatch('namespaces');
    try {
      await k8s.becomes(caller, 'value-one');
      const call = k8s.call(caller);
      expect(pathsOf(await call.at(1))).toBe('value-one');
      await relabel('two');
      expect(pathsOf(await call.at(2))).toBe('value-two');
      await relabel('');
      expect(pathsOf(await call.at(3))).toBe('value-empty');
      await relabel(null);
      expect(await call.end).toMatchObject({ code: PERMISSION_DENIED });
    } finally {
      await revoke();
    }
  });
});
