// SPDX-License-Identifier: Apache-2.0
/** What the kubelet is asked does not depend on how many callers there are. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { K8sBench } from '../../support/k8s-bench.ts';
import { callerIn, cgroupOf, podJson, UID_A, UID_B } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('k8s-load');
const never = new AbortController().signal;
let bench: K8sBench;

beforeEach(async () => {
  bench = await K8sBench.open(folder);
  bench.kubelet.pods = [podJson()];
});
afterEach(() => bench.close());

const uidOf = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const idOf = (at: number): string => at.toString(16).padStart(64, '0');

describe('the kubelet', () => {
  it('I9: is asked once for a thousand calls', async () => {
    const attestor = bench.attestor();
    const caller = callerIn({ cgroup: cgroupOf() });
    for (let at = 0; at < 20; at += 1)
      await Promise.all(Array.from({ length: 50 }, () => attestor.attest(caller, never)));
    expect(bench.kubelet.asked).toEqual(['/pods']);
  });

  it('I9: is asked once when 500 pods connect again', async () => {
    const statuses = (at: number) => ({
      status: { containerStatuses: [{ name: 'main', containerID: `docker://${idOf(at)}` }] },
    });
    bench.kubelet.pods = Array.from({ length: 500 }, (_, at) => ({
      ...podJson({ uid: uidOf(at), name: `pod-${at}`, annotations: { a: 'x'.repeat(5_000) } }),
      ...statuses(at),
    }));
    const attestor = bench.attestor();
    const found = await Promise.all(
      bench.kubelet.pods.map((_, at) =>
        attestor.attest(callerIn({ cgroup: `/kubepods/pod${uidOf(at)}/${idOf(at)}` }), never),
      ),
    );
    expect(found.every(({ applies }) => applies)).toBe(true);
    expect(bench.kubelet.asked.length).toBe(1);
  });

  it('I9: is asked about every other second while streams are open, and never afterwards', async () => {
    const attestor = bench.attestor();
    await attestor.attest(callerIn({ cgroup: cgroupOf() }), never);
    await bench.pass(5_000);
    expect(bench.kubelet.asked.length).toBe(1);
    attestor.restedOn?.(UID_A, true);
    attestor.restedOn?.(UID_B, true);
    await bench.pass(19_000);
    attestor.restedOn?.(UID_A, false);
    attestor.restedOn?.(UID_B, false);
    const { length } = bench.began;
    expect([length > 5, length <= 12]).toEqual([true, true]);
    await bench.pass(10_000);
    expect(bench.began.length).toBe(length);
  });
});

describe('a change under an open stream', () => {
  it.each([
    ['another label', () => [podJson({ labels: { app: 'other' } })]],
    ['a container started anew', () => [podJson({ containers: [{ name: 'main', id: 'bb' }] })]],
    ['the end of the pod', () => []],
  ])('I1: is told within two seconds: %s', async (_what, pods) => {
    const attestor = bench.attestor();
    const heard: (string | undefined)[] = [];
    attestor.onChange?.((ground) => heard.push(ground));
    await attestor.attest(callerIn({ cgroup: cgroupOf() }), never);
    attestor.restedOn?.(UID_A, true);
    await bench.pass(3_000);
    expect(heard).toEqual([]);
    bench.kubelet.pods = pods();
    const changedAt = bench.clock.monotonic();
    // How long the answer takes is the machine's affair.
    const begin = () => bench.began.find((one) => one >= changedAt);
    while (begin() === undefined) await bench.pass(20);
    expect((begin() as number) - changedAt).toBeLessThanOrEqual(1_820);
    while (heard.length === 0) await bench.pass(20);
    expect(heard).toEqual([UID_A]);
  });
});
