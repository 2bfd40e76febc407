// SPDX-License-Identifier: Apache-2.0
/** What the admin API is handed of the other rooms. */
import type { AdminDeps, AuditDoor, DaemonFacts, PolicyDoor } from '../api/admin/deps.ts';
import type { AttestationEngine } from '../attestation/engine.ts';
import type { Checkpoints } from '../audit/checkpoints.ts';
import type { X509Authority } from '../authority/authority.ts';
import type { ClockGuard } from '../authority/clock-guard.ts';
import type { JwtAuthorities } from '../authority/jwt-authorities.ts';
import type { JwtAuthority } from '../authority/jwt-authority.ts';
import type { Ballots } from '../ballots/ballots.ts';
import type { Enrolments } from '../ballots/enrolments.ts';
import { readBundle, renderSpiffeBundle } from '../bundle/document.ts';
import { readBundleMap, renderBundleMap } from '../bundle/map.ts';
import type { PublishedBundle } from '../bundle/published.ts';
import type { Config } from '../config/config.ts';
import type { Federation } from '../federation/federation.ts';
import type { Grants } from '../grants/grants.ts';
import { strongestOf } from '../identity/selector.ts';
import { Explainer } from '../issuance/explain.ts';
import type { Standings } from '../issuance/standings.ts';
import type { Clock } from '../lib/clock.ts';
import type { PeerPlatform } from '../peer/platform.ts';
import type { PolicySets } from '../registry/policy-sets.ts';
import type { Registry } from '../registry/registry.ts';
import type { Crls } from '../revocation/crls.ts';
import type { Store } from '../store/store.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { folderChecks } from '../telemetry/host-checks.ts';
import type { Logger } from '../telemetry/logger.ts';
import { doctorChecks, healthChecks } from './checks.ts';
import { federationChecks } from './federation.ts';
import { humanOf } from './grants.ts';
import type { HttpsCheck } from './https.ts';
import { discoveryFacts } from './oidc.ts';
import { relationshipChecks } from './relationship-checks.ts';
import type { Report } from './report.ts';

export interface AdminRooms {
  readonly config: Config;
  readonly daemon: DaemonFacts;
  readonly registry: Registry;
  readonly store: Store;
  readonly storeTrouble: () => Error | undefined;
  readonly ahead: () => Promise<readonly number[]>;
  readonly authority: X509Authority;
  readonly jwt: JwtAuthorities | undefined;
  readonly wit: JwtAuthority | undefined;
  readonly ownBundle: () => PublishedBundle;
  readonly clockGuard: ClockGuard;
  readonly attestation: AttestationEngine;
  readonly platform: PeerPlatform;
  readonly standings: Standings;
  readonly federation: Federation;
  readonly policies: PolicySets;
  readonly httpsCheck: HttpsCheck;
  readonly crls: Pick<Crls, 'health'>;
  readonly report: Pick<Report, 'take'>;
  readonly tasks: Pick<Tasks, 'revoke'>;
  readonly approvals: Pick<Ballots, 'state' | 'submit'>;
  readonly enrolments: Enrolments;
  readonly grants: Pick<Grants, 'request' | 'revoke' | 'settled'>;
  readonly checkpoints: Pick<Checkpoints, 'now' | 'verifierKey' | 'health'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export function adminDeps(rooms: AdminRooms): AdminDeps {
  const { config, registry, store, authority } = rooms;
  const checked = { ...rooms, jwt: rooms.jwt?.main, jwtRsa: rooms.jwt?.rsa };
  return {
    registry,
    issuances: store,
    authorities: { x509: authority, jwt: rooms.jwt?.main, 'jwt-rsa': rooms.jwt?.rsa, wit: rooms.wit },
    ownBundle: rooms.ownBundle,
    audit: auditDoor(rooms),
    policies: policyDoor(rooms.policies, store),
    findings: store.findings,
    approvals: {
      store: store.approvals,
      state: (id) => rooms.approvals.state(id),
      submit: async (id, submitted, by) => {
        const opened = await rooms.approvals.submit(id, submitted, by);
        await rooms.grants.settled(id);
        return opened;
      },
    },
    enrolments: rooms.enrolments,
    grants: {
      get: (id) => store.grants.get(id),
      list: (filter, page) => store.grants.list(filter, page),
      request: (asked, by, human) => rooms.grants.request(asked, by, human),
      revoke: (id, reason, by) => rooms.grants.revoke(id, reason, by),
      humanOf: (actor) => humanOf(registry.people.all(), actor),
    },
    tasks: {
      get: (id) => store.tasks.get(id),
      list: (filter, page) => store.tasks.list(filter, page),
      revoke: (id, reason, by) => rooms.tasks.revoke(id, reason, by),
    },
    report: (offenders) => rooms.report.take(offenders),
    federation: rooms.federation,
    documents: {
      render: renderSpiffeBundle,
      parse: readBundle,
      renderMap: renderBundleMap,
      parseMap: readBundleMap,
    },
    clockGuard: rooms.clockGuard,
    health: () => healthChecks(checked),
    doctor: async () => [
      ...(await doctorChecks(checked)),
      ...rooms.httpsCheck(),
      ...federationChecks(rooms.federation),
      ...(await folderChecks({ config, uid: rooms.daemon.uid, monotonic: () => rooms.clock.monotonic() })),
    ],
    federationDoctor: () => ({
      discovery: discoveryFacts(config, rooms.ownBundle(), rooms.jwt?.main),
      relationships: relationshipChecks(rooms.federation, registry, rooms.clock.now()),
    }),
    defaultX509TtlMs: config.svid.x509TtlMs,
    defaultJwtTtlMs: config.svid.jwtTtlMs,
    legacyMaxTtlMs: config.lifecycle.legacyMaxTtlMs,
    strengthOf: (selectors) => strongestOf(selectors, rooms.attestation.kinds),
    explainer: new Explainer({
      peers: rooms.platform,
      attestation: rooms.attestation,
      registry,
      standings: rooms.standings,
      now: () => rooms.clock.now(),
    }),
    daemon: rooms.daemon,
    roles: config.admin.roles.filter((role) => role.role === 'registrar'),
    now: () => rooms.clock.now(),
    log: rooms.log,
  };
}

export function policyDoor(sets: PolicySets, { policies: store }: Pick<Store, 'policies'>): PolicyDoor {
  return {
    engine: sets.engine,
    apply: (files, actor) => sets.apply(files, actor),
    rollback: (hash, actor) => sets.rollback(hash, actor),
    tryBeside: (files, actor) => sets.tryBeside(files, actor),
    endTrial: (actor) => sets.endTrial(actor),
    store,
  };
}

function auditDoor({ store: { audit }, checkpoints }: AdminRooms): AuditDoor {
  return {
    event: (seq) => audit.event(seq),
    events: (filter, page, newestFirst) => audit.events(filter, page, newestFirst),
    provenEvents: (...asked) => audit.provenEvents(...asked),
    inclusionProof: (seq, size) => audit.inclusionProof(seq, size),
    checkpointOver: (seq) => audit.checkpointOver(seq),
    redact: (seq, reason, by, at) => audit.redact(seq, reason, by, at),
    head: () => audit.head(),
    checkpoint: () => checkpoints.now(),
    verifierKey: () => checkpoints.verifierKey(),
  };
}
