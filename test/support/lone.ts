// SPDX-License-Identifier: Apache-2.0
/**
 * The one path of a lone daemon without its sockets: real store, registry, authority and standings; the caller and the
 * clock are the test's.
 */
import type { Attested } from '../../src/attestation/attested.ts';
import { X509Authority } from '../../src/authority/authority.ts';
import { storedAcceptances } from '../../src/authority/clock-acceptances.ts';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { JwtAuthority } from '../../src/authority/jwt-authority.ts';
import type { AuthorityKeyType } from '../../src/authority/key-manager.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { publishedBundle } from '../../src/bundle/published.ts';
import type { Limits } from '../../src/config/config.ts';
import { LIMITS } from '../../src/config/limits.ts';
import type { Strength } from '../../src/identity/strength.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { Rooms } from '../../src/issuance/rooms.ts';
import { Standings } from '../../src/issuance/standings.ts';
import type { Follower, X509State } from '../../src/issuance/workload-identities.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Failure } from '../../src/lib/failure.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { EndReason, ProcessHandle, SameVerdict } from '../../src/peer/process-handle.ts';
import { PolicySets } from '../../src/registry/policy-sets.ts';
import { Registry } from '../../src/registry/registry.ts';
import { Crls } from '../../src/revocation/crls.ts';
import { Revocations } from '../../src/revocation/revocations.ts';
import type { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { seen, unchanging } from './seen.ts';

export const TD = TrustDomain.parse('example.org');
export const OPERATOR = { uid: 0, pid: 1 };

const KINDS = new Map<string, ReadonlyMap<string, Strength>>([
  [
    'unix',
    new Map<string, Strength>([
      ['uid', 'kernel'],
      ['gid', 'kernel'],
      ['path', 'claimed'],
      ['sha256', 'claimed'],
    ]),
  ],
  [
    'script',
    new Map<string, Strength>([
      ['path', 'claimed'],
      ['sha256', 'claimed'],
    ]),
  ],
]);

const ON_DEMAND = ['unix:sha256', 'script:path', 'script:sha256'];

/** A process whose end the test decides. */
export class TestProcess implements ProcessHandle {
  readonly startTime = 7n;
  readonly weak = false;
  readonly key: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  verdict: SameVerdict = { same: true };
  readonly #listeners = new Set<(reason: EndReason) => void>();

  constructor(pid = 100, uid = 1000) {
    this.pid = pid;
    this.uid = uid;
    this.gid = uid;
    this.key = `test-${pid}`;
  }

  status = async () => ({ uid: this.uid, gid: this.gid, groups: [] });
  exe = async () => ({ readable: false, reason: 'a test' }) as const;
  digest = async () => ({ readable: false, reason: 'a test' }) as const;
  script = async () => ({ readable: false, reason: 'a test' }) as const;
  scriptDigest = async () => ({ readable: false, reason: 'a test' }) as const;
  cgroups = async () => [];
  withinCgroupOf = async () => ({ within: false, reason: 'a test' }) as const;
  withinRootOwnedCgroup = async () => ({ within: false, reason: 'a test' }) as const;
  stillSame = (): SameVerdict => this.verdict;
  onEnd = (listener: (reason: EndReason) => void): (() => void) => {
    if (!this.verdict.same) {
      listener(this.verdict.reason);
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  end(reason: EndReason): void {
    this.verdict = { same: false, reason };
    for (const listener of [...this.#listeners]) listener(reason);
  }
}

/** Keeps what it was sent. */
export class TestFollower<State = X509State> implements Follower<State> {
  readonly states: State[] = [];
  failure: Failure | undefined;
  /** When set, sending waits for it. */
  slow: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  async send(state: State): Promise<void> {
    this.states.push(state);
    this.#wake();
    await this.slow;
  }

  end(failure: Failure): void {
    this.failure = failure;
    this.#wake();
  }

  /** Resolves when `count` states have come or the stream has ended. */
  async until(count: number): Promise<void> {
    while (this.states.length < count && this.failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const one of this.#waiting.splice(0)) one();
  }
}

export interface LoneOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly trustDomain?: string;
  readonly gate?: CommitGate;
  /** Looks at the caller; otherwise `selectorsOf` says what holds. */
  readonly attestation?: Partial<Rooms['attestation']>;
  readonly selectorsOf?: (process: ProcessHandle) => ReadonlyMap<string, Strength>;
  readonly allowUnauthenticatedVerifiers?: boolean;
  readonly crlLifetimeMs?: number;
  readonly pushCrls?: boolean;
  readonly caTtlMs?: number;
  readonly graceMs?: number;
  readonly limits?: Partial<Limits>;
  readonly x509TtlMs?: number;
  readonly jwtTtlMs?: number;
  readonly jwtKeyType?: AuthorityKeyType;
  /** Of the attestors that run, and those of them that are looked for only while an entry names one. */
  readonly kinds?: ReadonlyMap<string, ReadonlyMap<string, Strength>>;
  readonly onDemand?: readonly string[];
  readonly detectors?: NonNullable<Rooms['detectors']>;
  /** WIT-SVIDs are on. */
  readonly wit?: boolean;
}

export async function lone(options: LoneOptions) {
  const { clock } = options;
  const td = options.trustDomain === undefined ? TD : TrustDomain.parse(options.trustDomain);
  const log = silentLogger;
  const store = await openSqliteStore({
    dataDir: options.dataDir,
    clock,
    log,
    ...(options.gate === undefined ? {} : { holdCommit: options.gate }),
  });
  const guard = new ClockGuard({ clock, storedLatest: store.latestTime(), acceptances: storedAcceptances(store), log });
  const caTtlMs = options.caTtlMs ?? 86_400_000;
  const registry = await Registry.load({
    store,
    trustDomain: td,
    nodeId: `${td.id}/spire/agent/assay/0000000000000000`,
    limits: {
      ...(Object.fromEntries(LIMITS.map((row) => [row.field, row.fallback])) as unknown as Limits),
      ...options.limits,
    },
    rules: {
      caTtlMs: () => caTtlMs,
      graceMs: options.graceMs ?? 90 * 86_400_000,
      kinds: () => options.kinds ?? KINDS,
      onDemand: options.onDemand ?? ON_DEMAND,
    },
    clock,
    random: systemRandom,
  });
  const policies = await PolicySets.open({ store, clock, log });
  const authority = await X509Authority.start({
    trustDomain: td,
    store,
    keyManager: memoryKeyManager({ random: systemRandom }),
    caTtlMs,
    keyType: 'ec-p256',
    guard,
    clock,
    random: systemRandom,
    log,
  });
  const jwt = await JwtAuthority.start({
    store,
    keyManager: memoryKeyManager({ random: systemRandom }),
    caTtlMs,
    keyType: options.jwtKeyType ?? 'ec-p256',
    pss: false,
    issuer: undefined,
    guard,
    clock,
    random: systemRandom,
    log,
  });
  const wit =
    options.wit === true
      ? await JwtAuthority.start({
          kind: 'wit',
          store,
          keyManager: memoryKeyManager({ random: systemRandom }),
          caTtlMs,
          keyType: 'ec-p256',
          pss: false,
          issuer: undefined,
          guard,
          clock,
          random: systemRandom,
          log,
        })
      : undefined;
  const ledger = new Ledger({ store, clock, retentionMs: 30 * 86_400_000, log });
  const attest = async (process: ProcessHandle): Promise<Attested> =>
    seen(options.selectorsOf?.(process) ?? [[`unix:uid:${process.uid}`, 'kernel']], { at: clock.now() });
  const revocations = new Revocations({ unexpired: store.revocations.unexpired(clock.now()), changes: store, clock });
  const crls = await Crls.start({
    authority,
    revocations,
    refusal: () => guard.check(),
    onClockJump: (listener) => guard.onJump(listener),
    lifetimeMs: options.crlLifetimeMs ?? 3_600_000,
    clock,
    log,
  });
  const rooms: Rooms = {
    attestation: { attest, ...unchanging, ...options.attestation },
    registry,
    authority,
    ledger,
    revocations,
    crls,
    changes: store,
    ...(options.detectors === undefined ? {} : { detectors: options.detectors }),
    jwt: { authority: jwt, ttlMs: options.jwtTtlMs ?? 300_000 },
    wit: wit && { authority: wit, pss: false },
    onAuthorityChange: (listener) => {
      const undo = [authority.onChange(listener), jwt.onChange(listener), wit?.onChange(listener)];
      return () => {
        for (const one of undo) one?.();
      };
    },
    onClockJump: (listener) => guard.onJump(listener),
    settings: {
      x509TtlMs: options.x509TtlMs ?? 3_600_000,
      legacyMaxTtlMs: 600_000,
      keyType: 'ec-p256',
      pushCrls: options.pushCrls ?? false,
      allowUnauthenticatedVerifiers: options.allowUnauthenticatedVerifiers ?? false,
      ownUid: 0,
    },
    clock,
    random: systemRandom,
    log,
  };
  const standings = new Standings(rooms);
  return {
    store,
    registry,
    policies,
    authority,
    jwt,
    wit,
    ownBundle: () => publishedBundle(authority, jwt, wit, store),
    ledger,
    guard,
    revocations,
    crls,
    standings,
    rooms,
    close: async () => {
      standings.close();
      await crls.close();
      revocations.close();
      await ledger.close();
      await authority.close();
      await jwt.close();
      await wit?.close();
      policies.close();
      await registry.close();
      guard.close();
      await store.close();
    },
  };
}
