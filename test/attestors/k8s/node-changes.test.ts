// SPDX-License-Identifier: Apache-2.0
/** On a real node: what becomes of open streams when their pods change. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { K8sDaemon, pathsOf } from '../../support/k8s-daemon.ts';
import { freshName } from '../../support/kubernetes-api.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

const PERMISSION_DENIED = 7;
const word = (): string => freshName('label');

describeWithKubernetes('an open stream', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes);

  it('I1, I7: ends when its pod is relabelled and nothing is left for it', async () => {
    const before = word();
    await k8s.entry('app', `k8s:pod-label:app:${before}`);
    const pod = await kubernetes.createPod({ labels: { app: before } });
    const call = k8s.call(await pod.caller());
    expect(await k8s.first(call)).toBe('app');
    await pod.relabel({ app: word() });
    expect(await call.end).toMatchObject({ code: PERMISSION_DENIED });
  });

  it('I1: gets what its pod has now when it is relabelled', async () => {
    const [before, after] = [word(), word()];
    await k8s.entry('before', `k8s:pod-label:app:${before}`);
    await k8s.entry('after', `k8s:pod-label:app:${after}`);
    const pod = await kubernetes.createPod({ labels: { app: before } });
    const call = k8s.call(await pod.caller());
    expect(pathsOf(await call.at(1))).toBe('before');
    await pod.relabel({ app: after });
    expect(pathsOf(await call.at(2))).toBe('after');
  });

  it('I7: of another pod, or of the same with another label added, is left alone', async () => {
    const label = word();
    await k8s.entry('both', `k8s:pod-label:app:${label}`);
    const [pod, other] = [
      await kubernetes.createPod({ labels: { app: label } }),
      await kubernetes.createPod({ labels: { app: label } }),
    ];
    const [call, elsewhere] = [k8s.call(await pod.caller()), k8s.call(await other.caller())];
    await Promise.all([call.at(1), elsewhere.at(1)]);
    await pod.relabel({ tier: 'front' });
    await other.relabel({ app: null });
    await elsewhere.end;
    await sleep(2_500);
    expect(call.messages.length).toBe(1);
  });

  it('I1: ends with its pod, also where the pod’s processes live on', async () => {
    const label = word();
    await k8s.entry('deleted', `k8s:pod-label:app:${label}`);
    const pod = await kubernetes.createPod({
      labels: { app: label },
      containers: [{ name: 'main', command: ['sh', '-c', "trap '' TERM; while true; do sleep 1; done"] }],
      spec: { terminationGracePeriodSeconds: 30 },
    });
    const caller = await pod.caller();
    const call = k8s.call(caller);
    expect(await k8s.first(call)).toBe('deleted');
    const gone = pod.delete();
    const end = await call.end.catch((error: Error) => error.message);
    expect(end).toMatchObject({ code: PERMISSION_DENIED });
    await gone;
  });
});
