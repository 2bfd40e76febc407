// SPDX-License-Identifier: Apache-2.0
/**
 * The composition root: makes every part, starts the sockets last, and stops everything in the opposite order. A part that
 * cannot be made stops what was made before it and says why.
 */
import { AttestationEngine } from '../attestation/engine.ts';
import { X509Authority } from '../authority/authority.ts';
import { storedAcceptances } from '../authority/clock-acceptances.ts';
import { ClockGuard } from '../authority/clock-guard.ts';
import { type PublishedBundle, publishedBundle } from '../bundle/published.ts';
import type { Config } from '../config/config.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Standings } from '../issuance/standings.ts';
import { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../lib/clock.ts';
import { Closers } from '../lib/closers.ts';
import type { Random } from '../lib/random.ts';
import { hardenProcess } from '../peer/harden.ts';
import { type PlatformOptions, preparePeerPlatform } from '../peer/platform.ts';
import { PolicySets } from '../registry/policy-sets.ts';
import { Registry } from '../registry/registry.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Tally } from '../telemetry/tally.ts';
import { adminDeps } from './admin-deps.ts';
import { startAnnouncements } from './announcements.ts';
import { startAudit } from './audit.ts';
import { makeAttestors, makeKeyManager, ON_DEMAND, openStore } from './catalog.ts';
import { looksAtCallers, startDetectors } from './detectors.ts';
import { adminDoor, workloadDoor } from './doors.ts';
import { startFederation } from './federation.ts';
import { fixAtFirstStart } from './first-start.ts';
import { type HttpsCheck, startHttps } from './https.ts';
import { startIntrospection } from './introspection.ts';
import { reportOf } from './report.ts';
import { startRevocation } from './revocation.ts';
import { openSockets } from './sockets.ts';
import { startTasks } from './tasks.ts';
import { startJwt, startWit } from './token-authorities.ts';

export interface DaemonTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface RunningDaemon {
  readonly trustDomain: TrustDomain;
  readonly workloadSocket: string;
  readonly adminSocket: string;
  /** Resolves when everything is closed. Idempotent. */
  stop(): Promise<void>;
}

export async function startDaemon(config: Config, tools: DaemonTools): Promise<RunningDaemon> {
  // Before any key is loaded: no core, no reading of our memory by our own uid (attack B2).
  hardenProcess();
  const closers = new Closers();
  try {
    return await start(config, tools, closers);
  } catch (error) {
    await closers.close().catch((also: unknown) => tools.log.error({ err: also }, 'clean-up after a failed start'));
    throw error;
  }
}

async function start(config: Config, tools: DaemonTools, closers: Closers): Promise<RunningDaemon> {
  const { clock, random, log } = tools;
  const { limits } = config;
  const startedAt = clock.now();
  const ownUid = process.geteuid?.() ?? 0;

  const platform = await preparePeerPlatform({
    log,
    clock,
    digestFileBytes: limits.digestFileBytes,
    connections: limits.connections + (config.https === undefined ? 0 : limits.httpsConnections),
    ...launchLimits(config),
    background: looksAtCallers(config),
    random,
  });
  closers.add('peer platform', () => platform.close());
  const attestation = new AttestationEngine({
    // The registry comes after the attestors whose kinds it checks entries against; no caller comes before it.
    attestors: await makeAttestors(config.attestors, {
      isNamed: (kind) => registry.names(kind),
      clock,
      log,
      random,
      uid: ownUid,
      pluginDir: config.sockets.pluginDir,
      answerMs: limits.attestationTimeoutMs,
      launches: platform.launches,
    }),
    timeoutMs: limits.attestationTimeoutMs,
    atOnce: limits.attestationsAtOnce,
    clock,
    log,
  });
  closers.add('attestors', () => attestation.close());

  const store = await openStore(config, { clock, log });
  closers.add('store', () => store.close());
  let storeTrouble: Error | undefined;
  store.onTrouble((error) => {
    storeTrouble = error;
  });
  const { trustDomain, nodeId } = await fixAtFirstStart(store, config.trustDomain, random);
  const checkpoints = await startAudit({ config, store, nodeId, version: VERSION, clock, log });
  closers.add('log', () => checkpoints.close());
  const clockGuard = new ClockGuard({
    clock,
    storedLatest: store.latestTime(),
    acceptances: storedAcceptances(store),
    log,
  });
  closers.add('clock guard', () => clockGuard.close());
  const registry: Registry = await Registry.load({
    store,
    trustDomain,
    nodeId,
    limits,
    rules: {
      caTtlMs: () => config.ca.ttlMs,
      graceMs: config.lifecycle.graceMs,
      kinds: () => attestation.kinds,
      onDemand: ON_DEMAND,
    },
    clock,
    random,
  });
  closers.add('registry', () => registry.close());
  startAnnouncements(config, { registry, clock, closers, log });
  const policies = await PolicySets.open({ store, clock, log });
  closers.add('policies', async () => policies.close());
  const authorityRooms = {
    store,
    keyManager: await makeKeyManager(config, random),
    caTtlMs: config.ca.ttlMs,
    guard: clockGuard,
  };
  const authority = await X509Authority.start({
    trustDomain,
    ...authorityRooms,
    keyType: config.ca.keyType,
    clock,
    random,
    log,
  });
  closers.add('authority', () => authority.close());
  const jwt = await startJwt(config, { ...authorityRooms, clock, random, log });
  if (jwt !== undefined) closers.add('JWT authority', () => jwt.close());
  const wit = await startWit(config, { ...authorityRooms, clock, random, log });
  if (wit !== undefined) closers.add('WIT authority', () => wit.close());
  const witOutside = config.experimental.witInBundleEndpoint ? wit : undefined;
  const ownBundle = (): PublishedBundle => publishedBundle(authority, jwt, witOutside, store);
  const ledger = new Ledger({ store, clock, retentionMs: config.retention.issuanceMs, log });
  closers.add('ledger', () => ledger.close());

  const { revocations, crls } = await startRevocation({ config, store, authority, clockGuard, clock, log, closers });

  const report = reportOf(config, store, clock);
  const detectors = startDetectors(config, {
    store,
    registry,
    platform,
    holdersOf: (entryId, most) => standings.holdersOf(entryId, most),
    terms: report.terms,
    clock,
    log,
    closers,
  });

  const standings: Standings = new Standings({
    attestation,
    registry,
    authority,
    ledger,
    revocations,
    crls,
    changes: store,
    detectors,
    jwt: jwt && { authority: jwt, ttlMs: config.svid.jwtTtlMs },
    wit: wit && { authority: wit, pss: config.jwt.pss },
    onAuthorityChange: (listener) => {
      const undo = [authority.onChange(listener), jwt?.onChange(listener), wit?.onChange(listener)];
      return () => {
        for (const one of undo) one?.();
      };
    },
    onClockJump: (listener) => clockGuard.onJump(listener),
    settings: {
      x509TtlMs: config.svid.x509TtlMs,
      legacyMaxTtlMs: config.lifecycle.legacyMaxTtlMs,
      keyType: config.svid.keyType,
      pushCrls: config.crl.pushX509Svid,
      allowUnauthenticatedVerifiers: config.workloadApi.allowUnauthenticatedVerifiers,
      ownUid,
    },
    clock,
    random,
    log,
  });
  closers.add('open streams', () => standings.close());

  const outside = { config, uid: ownUid, trustDomain, authority, clock, random, log };
  const federation = await startFederation({ ...outside, store, registry });
  closers.add('federation', () => federation.close());
  clockGuard.onJump(() => federation.look());

  const launches = config.attestors.launcher === undefined ? undefined : platform.launches;
  const launcher = { launches, registry };
  const refused = new Tally();
  const {
    tasks,
    ballots: approvals,
    enrolments,
    grants,
  } = await startTasks(config, {
    ...{ store, attestation, registry, standings, platform, ownUid, refused, clock, random, log, closers },
    policy: policies.engine,
    trustDomain,
    livePolicy: () => (policies.engine.live === undefined ? undefined : policies.engine),
    logName: checkpoints.name,
    detectors,
    hasPolicies: () => policies.engine.live !== undefined,
    targets: { get: (name) => registry.targets.forPolicy(name) },
  });
  const workload = workloadDoor(config, {
    tasks,
    identities: standings,
    trustDomain,
    launcher,
    ownUid,
    refused,
    clock,
    random,
    log,
  });
  closers.add('workload door', () => workload.close());
  let httpsCheck: HttpsCheck = () => [];
  const ahead = () => registry.ahead.counts(clock.now(), config.lifecycle.announceMs);
  const measured = { ahead, store, storeTrouble: () => storeTrouble, standings, attestation, report };
  const daemon = { uid: ownUid, pid: process.pid, trustDomain, nodeId, version: VERSION, startedAt };
  const admin = adminDoor(
    config,
    clock,
    adminDeps({
      config,
      daemon,
      ...measured,
      registry,
      tasks,
      approvals,
      enrolments,
      grants,
      authority,
      jwt,
      wit,
      ownBundle,
      clockGuard,
      platform,
      federation,
      policies,
      httpsCheck: () => httpsCheck(),
      checkpoints,
      crls,
      clock,
      log,
    }),
  );
  closers.add('admin door', () => admin.close());

  // Before the sockets: whoever is handed a token may look up its keys at once.
  await startIntrospection({ ...outside, store, registry, revocations, jwt, detectors, clockGuard, closers });
  if (config.metrics !== undefined) {
    const { startMetrics } = await import('./metrics.ts');
    await startMetrics(config, { ...measured, daemon, ledger, refused, clock, log, closers });
  }
  httpsCheck = await startHttps({ ...outside, ownBundle, crls, clockGuard, closers });
  await openSockets(config, { admin, workload, platform, ownUid, log, closers });

  return {
    trustDomain,
    workloadSocket: config.sockets.workload,
    adminSocket: config.sockets.admin,
    stop: () => closers.close(),
  };
}

function launchLimits({ attestors, limits }: Config): Pick<PlatformOptions, 'launches'> {
  if (attestors.launcher === undefined) return {};
  const { execWithinMs } = attestors.launcher;
  return { launches: { perUid: limits.launchesPerUid, total: limits.launches, execWithinMs } };
}

const VERSION = '0.1.0';
