// SPDX-License-Identifier: Apache-2.0
/** Entries that name a label of a namespace, and open streams of pods in it: from the API server's socket to what callers get. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AttestationEngine } from '../../../src/attestation/engine.ts';
import { ON_DEMAND } from '../../../src/daemon/catalog.ts';
import { Standings } from '../../../src/issuance/standings.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeApiServer } from '../../support/fake-api-server.ts';
import { K8sBench } from '../../support/k8s-bench.ts';
import { callerIn, cgroupOf, podJson } from '../../support/k8s-pods.ts';
import { lone, OPERATOR, TestFollower } from '../../support/lone.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('k8s-namespace-streams');
let dataDirs = 0;
let bench: K8sBench;
let api: FakeApiServer;
let rooms: Awaited<ReturnType<typeof lone>>;
let engine: AttestationEngine;
let standings: Standings;

async function open(namespaceLabels: boolean): Promise<void> {
  const k8s = bench.attestor({
    clock: systemClock,
    namespaceAccess: namespaceLabels ? api.access : undefined,
    isNamed: (kind) => rooms.registry.names(`k8s:${kind}`),
  });
  engine = new AttestationEngine({
    attestors: [k8s],
    timeoutMs: 5_000,
    atOnce: 64,
    clock: systemClock,
    log: silentLogger,
  });
  dataDirs += 1;
  const dataDir = `${folder}/data-${dataDirs}`;
  rooms = await lone({ dataDir, clock: systemClock, kinds: engine.kinds, onDemand: ON_DEMAND });
  standings = new Standings({ ...rooms.rooms, attestation: engine });
}

beforeEach(async () => {
  [bench, api] = [await K8sBench.open(folder), await FakeApiServer.start(folder)];
  bench.kubelet.pods = [podJson()];
  api.label('shop', { team: 'a' });
});
afterEach(async () => {
  standings.close();
  await rooms.close();
  await engine.close();
  await bench.close();
  await api.close();
});

const create = (path: string, ...selectors: readonly string[]) =>
  rooms.registry.createEntry({ spiffeId: `spiffe://example.org/${path}`, selectors }, OPERATOR);
const labelled = (team: string) => create(`team-${team}`, 'k8s:sa:seller', `k8s:ns-label:team:${team}`);
function follow(): TestFollower {
  const follower = new TestFollower();
  standings.followX509(callerIn({ cgroup: cgroupOf() }), follower);
  return follower;
}
const pathsOf = ({ states }: TestFollower): string[] =>
  states.map(({ svids }) => svids.map(({ spiffeId }) => spiffeId.replace('spiffe://example.org/', '')).join(' '));
const ended = async (follower: TestFollower): Promise<unknown> => {
  await follower.until(Infinity);
  return follower.failure;
};

describe('an open stream of a pod', () => {
  it('I1, I7: gets what its namespace’s labels give now, and ends when they give nothing', async () => {
    await open(true);
    for (const team of ['a', 'b']) expect((await labelled(team)).warnings).toEqual([]);
    const follower = follow();
    await follower.until(1);
    api.label('shop', { team: 'b' });
    await follower.until(2);
    expect(pathsOf(follower)).toEqual(['team-a', 'team-b']);
    api.label('shop', {});
    expect(await ended(follower)).toMatchObject({ kind: 'permission-denied' });
  });

  it('I1: is looked at again when the first entry comes that names such a label', async () => {
    await open(true);
    await create('plain', 'k8s:sa:seller');
    const follower = follow();
    await follower.until(1);
    expect(api.asked).toEqual([]);
    await labelled('a');
    await follower.until(2);
    expect(pathsOf(follower)).toEqual(['plain', 'plain team-a']);
  });

  it('I1: is refused what it would have without the labels, while an entry names one and they are not to be had', async () => {
    await open(true);
    await create('plain', 'k8s:sa:seller');
    await labelled('z');
    api.refusal = 403;
    const failure = await ended(follow());
    expect(failure).toMatchObject({ reason: 'ATTESTATION_FAILED', hint: expect.stringMatching(/list namespaces/) });
  });
});

describe('where the labels of namespaces are not switched on', () => {
  it('an entry that names one is told so, and one that names nothing else is refused', async () => {
    await open(false);
    expect((await labelled('a')).warnings).toEqual([
      'no attestor that runs here gives k8s:ns-label, so it matches nobody yet',
    ]);
    await expect(create('alone', 'k8s:ns-label:team:a')).rejects.toMatchObject({ reason: 'CLAIMED_SELECTORS_ONLY' });
    await create('plain', 'k8s:sa:seller');
    const follower = follow();
    await follower.until(1);
    expect([pathsOf(follower), api.asked]).toEqual([['plain'], []]);
  });
});
