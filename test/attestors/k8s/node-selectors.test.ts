// SPDX-License-Identifier: Apache-2.0
/** On a real node: each selector of a pod and its containers, right and wrong. */
import { expect, it } from '@jest/globals';
import { K8sDaemon, pathsOf } from '../../support/k8s-daemon.ts';
import type { PodObject } from '../../support/pod.ts';
import { describeWithKubernetes } from '../../support/testbed.ts';

describeWithKubernetes('a caller in a pod of a real node', (kubernetes) => {
  const k8s = K8sDaemon.forTests(kubernetes);

  it('has every selector that its pod and container give it, and none that they do not', async () => {
    const account = await kubernetes.createServiceAccount();
    const owner = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web-5d9',
      uid: 'b61ab2a6-5f43-4f2c-8ba1-1f5b6a0f9a3d',
    };
    const pod = await kubernetes.createPod({
      owners: [owner],
      labels: { app: 'web', 'example.org/tier': 'front' },
      serviceAccount: account,
      containers: [{ name: 'main' }, { name: 'side' }],
      initContainers: [{ name: 'prepare', command: ['sh', '-c', 'exit 0'] }],
    });
    const { status } = await pod.until(
      'prepared',
      ({ status }) => status.initContainerStatuses?.[0]?.state.terminated !== undefined,
    );
    const [main] = status.containerStatuses as NonNullable<PodObject['status']['containerStatuses']>;
    const [prepare] = status.initContainerStatuses as NonNullable<PodObject['status']['containerStatuses']>;
    const given: readonly (readonly [kind: string, value: string | undefined])[] = [
      ['sa', account],
      ['ns', 'default'],
      ['node-name', kubernetes.node.nodeName],
      ['pod-uid', pod.uid],
      ['pod-name', pod.name],
      ['pod-label', 'app:web'],
      ['pod-label', 'example.org/tier:front'],
      ['pod-owner', 'ReplicaSet:web-5d9'],
      ['pod-owner-uid', `ReplicaSet:${owner.uid}`],
      ['pod-image', main?.image],
      ['pod-image', main?.imageID],
      ['pod-init-image', prepare?.image],
      ['pod-init-image', prepare?.imageID],
      ['pod-image-count', '2'],
      ['pod-init-image-count', '1'],
      ['container-name', 'main'],
      ['container-image', main?.image],
      ['container-image', main?.imageID],
    ];
    for (const [at, [kind, value]] of given.entries()) {
      expect(value).toMatch(/./);
      await k8s.entry(`right/${at}`, `k8s:${kind}:${value}`);
      await k8s.entry(`wrong/${at}`, `k8s:${kind}:${value}x`);
    }
    const call = k8s.call(await pod.caller('main'));
    const right = given.map((_, at) => `right/${at}`);
    expect(new Set(pathsOf(await call.at(1)).split(' '))).toEqual(new Set(right));
  });
});
