// SPDX-License-Identifier: Apache-2.0
/** The authority on the real store and real key files: what the fakes of the other tests stand for. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { type IssuedLeaf, X509Authority } from '../../src/authority/authority.ts';
import { storedAcceptances } from '../../src/authority/clock-acceptances.ts';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { openDiskKeyManager } from '../../src/authority/keys/disk.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { eventually, HOUR, leafRequest, td, untimed } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp-dir.ts';

const dataDir = tempDir('authority');
const clock = new FakeClock(Date.now());

async function open() {
  const store = await openSqliteStore({ dataDir, clock, log: silentLogger });
  const guard = new ClockGuard({
    clock: untimed(clock),
    storedLatest: store.latestTime(),
    acceptances: storedAcceptances(store),
    log: silentLogger,
  });
  const authority = await X509Authority.start({
    trustDomain: td,
    store,
    keyManager: await openDiskKeyManager({ dataDir, random: systemRandom }),
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    guard,
    clock,
    random: systemRandom,
    log: silentLogger,
  });
  const close = async (): Promise<void> => {
    await authority.close();
    await store.close();
  };
  return { store, guard, authority, close };
}

async function register(store: Store): Promise<void> {
  const at = clock.now();
  const { entryId, spiffeId } = leafRequest();
  const common = { createdAt: at, createdBy: 'uid:0', revision: 1, expiresAt: at + 365 * 24 * HOUR };
  const entry = {
    ...common,
    id: entryId,
    spiffeId: spiffeId.toString(),
    parentId: `${td.id}/spire/agent/assay/0000000000000000`,
    selectors: ['unix:uid:1000'],
    x509TtlSeconds: null,
    jwtTtlSeconds: null,
    dnsNames: [],
    federatesWith: [],
    hint: '',
    claimedAccepted: false,
    admin: false,
    downstream: false,
    storeSvid: false,
    jwtJti: false,
  };
  const identity = {
    ...common,
    spiffeId: spiffeId.toString(),
    owner: 'uid:0',
    deputy: null,
    reviewBy: null,
    purpose: null,
    kind: 'service',
    environment: null,
    labels: new Map<string, string>(),
    state: 'active',
    stateReason: null,
    stateSince: at,
  } as const;
  await store.createEntry(entry, identity, 'uid:0');
}

function record(store: Store, leaf: IssuedLeaf): Promise<unknown> {
  const { entryId, spiffeId } = leafRequest();
  return store.record({
    serial: leaf.serial,
    kind: 'x509',
    spiffeId: spiffeId.toString(),
    entryId,
    authorityId: leaf.authorityId,
    issuedAt: leaf.issuedAt,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    askedTtlMs: leaf.askedTtlMs,
    audiences: [],
    task: null,
    pid: 1,
    uid: 1000,
    gid: 1000,
    startTime: '1',
    marks: [],
    facts: '{}',
    decidedOn: { entryId, entryRevision: 1, identityRevision: 1, authorityId: leaf.authorityId },
  });
}

it('BUN-03, BUN-19, I3: rotates on the real store, over restarts, and keeps a root as long as its last recorded SVID', async () => {
  const first = await open();
  await register(first.store);
  const root = first.authority.active().authorityId;
  const leaf = await first.authority.mintLeaf(leafRequest());
  await record(first.store, leaf);
  await first.authority.prepare('uid:0');
  await first.close();

  const second = await open();
  expect(second.authority.active().authorityId).toBe(root);
  expect(second.authority.show().bundleSequence).toBe(2);
  const late = await second.authority.mintLeaf(leafRequest());
  const next = await second.authority.activate({ now: true, by: 'uid:0' });
  expect(second.authority.active().authorityId).toBe(next);
  // Minted before the step, recorded after it: the store refuses, so that nothing new leaves under the old root.
  await expect(record(second.store, late)).rejects.toMatchObject({ kind: 'aborted', reason: 'DECISION_STALE' });
  const old = second.authority.slots().find(({ slot }) => slot === 'old');
  expect(old).toMatchObject({ id: root, lastSvidNotAfter: leaf.notAfter });
  await second.close();

  await clock.advance(leaf.notAfter - clock.now());
  const third = await open();
  expect(third.authority.bundle().certificates).toHaveLength(2);
  await clock.advance(1000);
  await eventually(() => third.authority.bundle().certificates.length === 1);
  expect(third.authority.show().bundleSequence).toBe(3);
  await eventually(() => readdirSync(join(dataDir, 'keys')).length === 1);
  await third.close();
});

it('I8: an accepted clock stays accepted over a restart on the real store', async () => {
  const first = await open();
  await first.authority.prepare('uid:0');
  clock.jump(-HOUR);
  expect(first.guard.check()?.reason).toBe('CLOCK_BEHIND');
  await first.close();
  const second = await open();
  expect(second.guard.check()?.reason).toBe('CLOCK_BEHIND');
  await second.guard.accept();
  await second.close();
  const third = await open();
  expect(third.guard.check()).toBeUndefined();
  await third.authority.mintLeaf(leafRequest());
  await third.close();
});
