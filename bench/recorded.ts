// SPDX-License-Identifier: Apache-2.0
/**
 * X.509-SVIDs minted and recorded: each one's row is durable before it counts, as before one leaves the daemon. CPU time
 * of all threads, the writer's included, beside bare key pairs and signatures in the same process.
 */
import { createECDH, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { X509Authority } from '../src/authority/authority.ts';
import { storedAcceptances } from '../src/authority/clock-acceptances.ts';
import { ClockGuard } from '../src/authority/clock-guard.ts';
import { memoryKeyManager } from '../src/authority/keys/memory.ts';
import { SpiffeId } from '../src/identity/spiffe-id.ts';
import { TrustDomain } from '../src/identity/trust-domain.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { systemRandom as random } from '../src/lib/random.ts';
import type { EntryRecord, IdentityRecord } from '../src/store/records.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { quantile, type Row, ratio } from './stats.ts';

const ABREAST = 128;
const EACH = 2_000;
const HOUR = 3_600_000;
const spiffeId = 'spiffe://example.org/payments/web';
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };

export async function benchRecorded(dataDir: string, rounds: number): Promise<{ rows: Row[] }> {
  const store = await openSqliteStore({ dataDir, clock, log });
  const authority = await X509Authority.start({
    trustDomain: TrustDomain.parse('example.org'),
    store,
    keyManager: memoryKeyManager({ random }),
    caTtlMs: 24 * HOUR,
    keyType: 'ec-p256',
    guard: new ClockGuard({ clock, storedLatest: 0, acceptances: storedAcceptances(store), log }),
    clock,
    random,
    log,
  });
  try {
    await store.createEntry(entry(), identity(), 'bench');
    const { ecdh, keyObjects } = bareWays();
    const cost = { recorded: [] as number[], ecdh: [] as number[], keyObjects: [] as number[] };
    const perSecond: number[] = [];
    await recordMany(store, authority, EACH);
    for (let round = 0; round < rounds; round += 1) {
      const from = performance.now();
      cost.recorded.push(await cpuOf(() => recordMany(store, authority, EACH)));
      perSecond.push((EACH * 1000) / (performance.now() - from));
      cost.ecdh.push(await cpuOf(async () => ecdh(EACH)));
      cost.keyObjects.push(await cpuOf(async () => keyObjects(EACH)));
    }
    const bare = Math.min(quantile(cost.ecdh, 0.5), quantile(cost.keyObjects, 0.5));
    return { rows: [row(quantile(cost.recorded, 0.5), bare, quantile(perSecond, 0.5))] };
  } finally {
    await authority.close();
    await store.close();
  }
}

function row(recorded: number, bare: number, perSecond: number): Row {
  const share = bare / recorded;
  const rate = (us: number): string => `${Math.round(1e6 / us).toLocaleString('en-US')} (${us.toFixed(1)} µs)`;
  return {
    what: 'the same, recorded, per CPU-second of all threads',
    measured: `${rate(recorded)}, ratio ${ratio(share)}; ${Math.round(perSecond).toLocaleString('en-US')} a second with ${ABREAST} at once`,
    beside: `bare key pair and signature, the faster of reused ECDH and KeyObjects: ${rate(bare)}`,
    bar: 'ratio 0.4, aim 0.55',
    held: share >= 0.4,
  };
}

/** Microseconds of CPU each. */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / EACH;
}

async function recordMany(store: Store, authority: X509Authority, count: number): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await recordOne(store, authority);
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, work));
}

const request = {
  entryId: 'web',
  entryRevision: 1,
  spiffeId: SpiffeId.parse(spiffeId),
  dnsNames: ['web.payments.example.org'],
  ttlMs: HOUR,
  caps: [],
  keyType: 'ec-p256',
} as const;

async function recordOne(store: Store, authority: X509Authority): Promise<void> {
  const { serial, authorityId, issuedAt, notBefore, notAfter, askedTtlMs } = await authority.mintLeaf(request);
  await store.record({
    serial,
    kind: 'x509',
    spiffeId,
    entryId: 'web',
    authorityId,
    issuedAt,
    notBefore,
    notAfter,
    askedTtlMs,
    audiences: [],
    task: null,
    pid: 4711,
    uid: 1000,
    gid: 1000,
    startTime: '123456789',
    marks: [],
    facts: '{"unix":{"uid":1000,"gid":1000,"path":"/usr/bin/web"}}',
    decidedOn: { entryId: 'web', entryRevision: 1, identityRevision: 1, authorityId },
  });
}

/** The two of bench/mint.ts that take turns at being the fastest. */
function bareWays(): Record<'ecdh' | 'keyObjects', (count: number) => void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdh = createECDH('prime256v1');
  const tbs = randomBytes(450);
  const times = (makeKey: () => void) => (count: number) => {
    for (let i = 0; i < count; i += 1) {
      makeKey();
      sign('sha256', tbs, privateKey);
    }
  };
  return {
    ecdh: times(() => {
      ecdh.generateKeys();
      ecdh.getPrivateKey();
    }),
    keyObjects: times(() => void generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  };
}

function entry(): EntryRecord {
  return {
    id: 'web',
    spiffeId,
    parentId: 'spiffe://example.org/spire/agent/assay/0123456789abcdef',
    selectors: ['unix:uid:1000'],
    x509TtlSeconds: null,
    jwtTtlSeconds: null,
    dnsNames: [],
    federatesWith: [],
    hint: '',
    expiresAt: null,
    createdAt: 1,
    createdBy: 'bench',
    revision: 1,
    claimedAccepted: false,
    admin: false,
    downstream: false,
    storeSvid: false,
    jwtJti: false,
  };
}

function identity(): IdentityRecord {
  return {
    spiffeId,
    owner: 'bench',
    deputy: null,
    reviewBy: null,
    purpose: null,
    kind: 'service',
    environment: null,
    labels: new Map(),
    state: 'active',
    stateReason: null,
    stateSince: 1,
    expiresAt: 4_000_000_000_000,
    createdAt: 1,
    createdBy: 'bench',
    revision: 1,
  };
}
