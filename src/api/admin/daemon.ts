// SPDX-License-Identifier: Apache-2.0
/** The daemon itself: health, doctor, the clock, and who is asking. */
import type { AdminDeps, Check } from './deps.ts';
import type { Handlers } from './handler.ts';
import { showCheck } from './to-wire.ts';

type DaemonRpc = 'GetHealth' | 'GetDoctor' | 'GetFederationDoctor' | 'AcceptClock' | 'WhoAmI';

export function daemonRpcs(deps: AdminDeps): Handlers<DaemonRpc> {
  const { daemon } = deps;
  return {
    async GetHealth() {
      const checks = await deps.health();
      return {
        status: colourOf(checks),
        checks: checks.map(showCheck),
        trust_domain: daemon.trustDomain.name,
        node_id: daemon.nodeId,
        version: daemon.version,
        started_at: daemon.startedAt,
        now: deps.now(),
      };
    },
    async GetDoctor() {
      return { checks: (await deps.doctor()).map(showCheck) };
    },
    GetFederationDoctor() {
      const { discovery, relationships } = deps.federationDoctor();
      return {
        issuer: discovery.issuer,
        unserved: discovery.unserved,
        key_set: discovery.keySet,
        signing_key_id: discovery.signingKid,
        token_ttl_ms: discovery.tokenTtlMs,
        refresh_hint_seconds: discovery.refreshHintSeconds,
        relationships: relationships.map(showCheck),
      };
    },
    async AcceptClock() {
      const { latestSeen, now } = await deps.clockGuard.accept();
      return { was: latestSeen, now };
    },
    WhoAmI(_, { caller, may }) {
      const refusal = may.refusal('ListEntries', caller) ?? may.refusal('SetBundle', caller);
      return {
        uid: caller.uid,
        pid: caller.pid,
        may_read: may.refusal('ListEntries', caller) === undefined,
        may_write: may.mayWrite(caller),
        roles: may.rolesOf(caller).map((role) => ({ role: role.role, spiffe_id_prefix: role.spiffeIdPrefix })),
        refusal: refusal?.message ?? '',
        daemon_uid: daemon.uid,
        daemon_pid: daemon.pid,
        trust_domain: daemon.trustDomain.name,
        version: daemon.version,
      };
    },
  };
}

function colourOf(checks: readonly Check[]): 'green' | 'yellow' | 'red' {
  if (checks.some((check) => check.status === 'fail')) return 'red';
  return checks.some((check) => check.status === 'warn') ? 'yellow' : 'green';
}
