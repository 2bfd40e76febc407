// SPDX-License-Identifier: Apache-2.0
/** Callers in pods of a kubelet whose namespaces an API server tells, both on real sockets; cgroups and time are made up. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Access, K8sOptions } from '../../../attestors/k8s/open.ts';
import type { Applies, Attestor } from '../../../src/attestation/plugin.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { K8sBench, valuesOf } from '../../support/k8s-bench.ts';
import { callerIn, cgroupOf, podJson, UID_A, UID_B } from '../../support/k8s-pods.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('k8s-namespace-labels');
const never = new AbortController().signal;
const caller = callerIn({ cgroup: cgroupOf() });
const LIST = '/api/v1/namespaces';
let bench: K8sBench;
let api: FakeApiServer;

beforeEach(async () => {
  [bench, api] = [await K8sBench.open(folder), await FakeApiServer.start(folder)];
  bench.kubelet.pods = [podJson()];
  api.label('shop', { team: 'payments', 'example.org/tier': '' });
  api.label('bar', { team: 'drinks' });
  bench.named.add('ns-label');
});
afterEach(async () => {
  await bench.close();
  await api.close();
});

const attestor = (more: Partial<K8sOptions> = {}, access: Partial<Access> = {}): Attestor =>
  bench.attestor({ namespaceAccess: { ...api.access, ...access }, ...more });
const labelsOf = async (it: Attestor): Promise<readonly string[]> =>
  valuesOf(await it.attest(caller, never)).filter((one) => one.startsWith('ns-label'));
const refused = (it: Attestor, reason: string): Promise<void> =>
  expect(bench.overTime(it.attest(caller, never))).rejects.toMatchObject({ reason });
const watched = async (): Promise<void> => {
  while (api.watches === 0) await sleep(5);
};

describe('the labels of a pod’s namespace', () => {
  it('are the API server’s, besides what the kubelet says of the pod, and the answer rests on both', async () => {
    const found = (await attestor().attest(caller, never)) as Applies;
    expect(valuesOf(found)).toEqual(
      expect.arrayContaining(['ns:shop', 'sa:seller', 'ns-label:example.org/tier:', 'ns-label:team:payments']),
    );
    expect(valuesOf(found)).not.toContain('ns-label:team:drinks');
    expect(found.selectors.every(({ strength }) => strength === 'authority')).toBe(true);
    expect([found.restsOn, found.leftOut]).toEqual([[UID_A, 'namespace:shop'], []]);
    expect(api.callers[0]).toBe('Bearer token-1');
  });

  it('are of the namespace that the pod is in', async () => {
    bench.kubelet.pods = [podJson({ metadata: { namespace: 'bar' } })];
    expect(await labelsOf(attestor())).toEqual(['ns-label:team:drinks']);
  });

  it('I9: cost one list and one watch, however many ask, and also as time passes', async () => {
    const it = attestor();
    for (let at = 0; at < 10; at += 1) await Promise.all(Array.from({ length: 50 }, () => it.attest(caller, never)));
    await watched();
    it.restedOn?.('namespace:shop', true);
    await bench.pass(20_000);
    expect(api.asked).toEqual([LIST, expect.stringMatching(`^${LIST}\\?watch=true&`)]);
  });
});

describe('the API server is not asked', () => {
  it('where that is not switched on: such a selector is then of no kind that is given', async () => {
    const it = attestor({ namespaceAccess: undefined });
    expect([it.kinds.has('ns-label'), attestor().kinds.get('ns-label')]).toEqual([false, 'authority']);
    const found = (await it.attest(caller, never, true)) as Applies;
    expect([valuesOf(found).includes('ns:shop'), found.leftOut, found.restsOn]).toEqual([true, [], [UID_A]]);
    expect(api.asked).toEqual([]);
  });

  it('while no entry names one, which is said, so that an entry brings the caller back', async () => {
    bench.named.clear();
    const it = attestor();
    const found = (await it.attest(caller, never)) as Applies;
    expect(found.leftOut).toEqual([{ kind: 'ns-label', reason: 'no entry names this kind', onDemand: true }]);
    await bench.pass(5_000);
    expect(api.asked).toEqual([]);
    bench.named.add('ns-label');
    expect(await labelsOf(it)).toEqual(['ns-label:example.org/tier:', 'ns-label:team:payments']);
  });

  it('for callers that are in no pod', async () => {
    expect((await attestor().attest(callerIn({ cgroup: '/user.slice' }), never)).applies).toBe(false);
    expect(api.asked).toEqual([]);
  });
});

describe('a caller whose namespace’s labels cannot be known', () => {
  it.each([
    ['401', () => (api.refusal = 401), 'K8S_UNAUTHENTICATED'],
    ['403', () => (api.refusal = 403), 'K8S_FORBIDDEN'],
    ['503, for as long as a caller waits', () => (api.refusal = 503), 'K8S_ANSWER_INVALID'],
    ['nothing', () => (api.refusal = 'silence'), 'K8S_TIMEOUT'],
    ['a namespace that is too large', () => api.label('big', { a: 'x'.repeat(3 << 20) }), 'K8S_ANSWER_TOO_LARGE'],
  ])('I1: is refused: the API server answers with %s', async (_what, begin, reason) => {
    begin();
    await refused(attestor(), reason);
  });

  it('I1: is refused when nobody listens there', async () => {
    const it = attestor();
    await api.close();
    await refused(it, 'K8S_UNREACHABLE');
  });

  it('A13: is refused, and no token sent, when it is not the API server that answers', async () => {
    await refused(attestor({}, { serverName: 'other.cluster.local' }), 'K8S_TLS');
    expect(api.callers).toEqual([]);
  });

  it('A13: is refused, naming the setting, when the CA file holds none', async () => {
    const caPath = `${folder}/empty.crt`;
    writeFileSync(caPath, 'none');
    const failure = attestor({}, { caPath, caField: 'namespace_ca_path' }).attest(caller, never);
    await expect(failure).rejects.toMatchObject({
      reason: 'K8S_CREDENTIALS',
      hint: 'see attestors.k8s.namespace_ca_path',
    });
  });

  it('is told which right is missing', async () => {
    api.refusal = 403;
    await expect(attestor().attest(caller, never)).rejects.toMatchObject({
      text: expect.stringMatching(
        /^the API server at 127\.0\.0\.1:\d+ does not let the daemon list namespaces \(403\)$/,
      ),
      hint: 'it needs list and watch on namespaces',
    });
  });

  it('I1: is refused when its namespace is not listed in time, and answered as soon as it is', async () => {
    api.remove('shop');
    const it = attestor();
    await refused(it, 'NAMESPACE_UNKNOWN');
    const look = bench.overTime(it.attest(caller, never));
    await watched();
    api.label('shop', { team: 'late' });
    expect(valuesOf(await look)).toContain('ns-label:team:late');
  });

  it('I1: is refused when nothing can be said of it', async () => {
    api.label('shop', { 'team:payments': 'x' });
    await refused(attestor(), 'NAMESPACE_UNUSABLE');
  });

  it('I1: is refused as soon as the watch has been down for two seconds', async () => {
    const it = attestor();
    expect(await labelsOf(it)).not.toEqual([]);
    await watched();
    api.refusal = 503;
    api.endWatches();
    await bench.pass(3_000);
    await refused(it, 'K8S_ANSWER_INVALID');
  });

  it('is shown the rest where an operator only wants to see what there is', async () => {
    bench.named.clear();
    api.refusal = 403;
    const found = (await attestor().attest(caller, never, true)) as Applies;
    expect(valuesOf(found)).toContain('ns:shop');
    expect(found.leftOut).toEqual([
      { kind: 'ns-label', reason: expect.stringMatching(/does not let the daemon list namespaces/), onDemand: true },
    ]);
  });

  it('is why the attestor is not well, while an entry names one', async () => {
    const it = attestor();
    api.refusal = 401;
    await refused(it, 'K8S_UNAUTHENTICATED');
    expect(it.health?.()).toMatchObject({ status: 'fail', text: expect.stringMatching(/does not know the daemon/) });
    bench.named.clear();
    expect(it.health?.().status).toBe('ok');
  });
});

describe('under an open stream', () => {
  const openStream = async (): Promise<{ readonly it: Attestor; readonly heard: (string | undefined)[] }> => {
    const it = attestor();
    const heard: (string | undefined)[] = [];
    it.onChange?.((ground) => heard.push(ground));
    const { restsOn = [] } = await it.attest(caller, never);
    for (const ground of restsOn) it.restedOn?.(ground, true);
    await watched();
    return { it, heard };
  };
  const until = async (heard: readonly unknown[]): Promise<void> => {
    while (heard.length === 0) await sleep(5);
  };

  it.each([
    ['another value', () => api.label('shop', { team: 'other' }), ['ns-label:team:other']],
    ['one label less', () => api.label('shop', {}), []],
  ])('I1: a change is told as it happens, without a look at the clock: %s', async (_what, change, after) => {
    const { it, heard } = await openStream();
    const before = bench.clock.monotonic();
    change();
    await until(heard);
    expect([heard, await labelsOf(it), bench.clock.monotonic()]).toEqual([['namespace:shop'], after, before]);
  });

  it('I1: the end of the namespace is told, and a label that cannot be one', async () => {
    const { it, heard } = await openStream();
    api.label('shop', { a: 7 });
    await until(heard);
    await refused(it, 'NAMESPACE_UNUSABLE');
    api.remove('shop');
    while (heard.length < 2) await sleep(5);
    expect(heard).toEqual(['namespace:shop', 'namespace:shop']);
    await refused(it, 'NAMESPACE_UNKNOWN');
  });

  it('I7: a change of another namespace, or of nothing that is a selector, concerns nobody here', async () => {
    const { heard } = await openStream();
    api.label('bar', { team: 'food' });
    api.label('shop', { team: 'payments', 'example.org/tier': '' });
    api.label('new', {});
    api.remove('new');
    while (heard.length < 2) await sleep(5);
    expect(heard).toEqual(['namespace:bar', 'namespace:new']);
  });

  it('I1: what a watch says that is no event ends it; the list is asked for anew', async () => {
    const { heard, it } = await openStream();
    api.say('<html>');
    while (api.watches > 0) await sleep(5);
    api.label('shop', { team: 'other' });
    await bench.overTime(until(heard));
    expect(await labelsOf(it)).toEqual(['ns-label:team:other']);
    expect(api.asked.filter((path) => path === LIST).length).toBe(2);
  });

  it('I8: is looked at anew when nothing has been heard for ten seconds', async () => {
    const { heard } = await openStream();
    api.refusal = 503;
    api.endWatches();
    await bench.pass(8_000);
    expect(heard).toEqual([]);
    await bench.overTime(until(heard));
    expect(heard).toEqual(['namespace:shop']);
  });

  it('pods are told of beside it', async () => {
    const { heard } = await openStream();
    bench.kubelet.pods = [podJson({ labels: {} }), podJson({ uid: UID_B, containers: [] })];
    await bench.overTime(until(heard));
    expect(heard).toEqual([UID_A]);
  });
});
