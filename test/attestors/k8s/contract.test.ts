// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import type { K8sOptions } from '../../../attestors/k8s/open.ts';
import { attestorContract } from '../../../src/attestation/contract.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { K8sBench } from '../../support/k8s-bench.ts';
import { callerIn, cgroupOf, podJson, UID_B } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('k8s-contract');
const other = podJson({ uid: UID_B, name: 'db', containers: [{ name: 'main', id: 'bb' }] });
let bench: K8sBench;
let api: FakeApiServer;

beforeEach(async () => {
  bench = await K8sBench.open(folder);
  bench.kubelet.pods = [podJson(), other];
});
afterEach(() => bench.close());

const attestor = (more: Partial<K8sOptions> = {}) => bench.attestor({ clock: systemClock, ...more });
const cases = attestorContract({
  make: () => attestor(),
  applies: () => callerIn({ cgroup: cgroupOf() }),
  another: () => callerIn({ cgroup: cgroupOf(UID_B, 'bb') }),
  doesNotApply: () => callerIn({ cgroup: '/user.slice/user-1000.slice/session-1.scope' }),
  down: async () => {
    await bench.kubelet.close();
    return bench.attestor({ clock: systemClock, attestationTimeoutMs: 200 });
  },
  stuck: () => {
    bench.kubelet.respond = () => undefined;
    return attestor();
  },
  change: () => {
    bench.kubelet.pods = [podJson({ labels: { app: 'changed' } }), other];
  },
});

describe('the k8s attestor', () => {
  it.each(cases)('$title', ({ run }) => run());
});

describe('the k8s attestor with the labels of namespaces', () => {
  beforeEach(async () => {
    api = await FakeApiServer.start(folder);
    for (const name of ['shop', 'bar']) api.label(name, { team: 'payments' });
    bench.named.add('ns-label');
  });
  afterEach(() => api.close());

  const labelled = (more: Partial<K8sOptions> = {}) => attestor({ namespaceAccess: api.access, ...more });
  const ofNamespaces = attestorContract({
    make: () => labelled(),
    applies: () => callerIn({ cgroup: cgroupOf() }),
    another: () => callerIn({ cgroup: cgroupOf(UID_B, 'bb') }),
    doesNotApply: () => callerIn({ cgroup: '/user.slice/user-1000.slice/session-1.scope' }),
    down: async () => {
      await api.close();
      return labelled({ attestationTimeoutMs: 200 });
    },
    stuck: () => {
      api.refusal = 'silence';
      return labelled();
    },
    change: () => api.label('shop', { team: 'changed' }),
  });
  it.each(ofNamespaces)('$title', ({ run }) => run());
});
