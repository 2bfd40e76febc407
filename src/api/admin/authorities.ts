// SPDX-License-Identifier: Apache-2.0
/** Our authorities: what stands in which slot, and the steps that an operator may take. */
import { Failure } from '../../lib/failure.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps, AuthorityDoor } from './deps.ts';
import type { Handlers } from './handler.ts';
import { readWord } from './read-request.ts';
import { showAuthority } from './to-wire.ts';
import type { Outgoing } from './wire.ts';
import type { WireAuthority } from './wire-authority.ts';

const KINDS = ['x509', 'jwt', 'jwt-rsa', 'wit'] as const;
const SWITCHES = {
  x509: 'workload_api.x509: true',
  jwt: 'workload_api.jwt: true',
  'jwt-rsa': 'jwt.rsa_key_type: rsa-2048',
  wit: 'experimental.wit: true',
};

type AuthorityRpc = 'GetAuthorities' | 'PrepareAuthority' | 'ActivateAuthority' | 'TaintAuthority' | 'RevokeAuthority';

export function authorityRpcs(deps: AdminDeps): Handlers<AuthorityRpc> {
  const door = (kind: string): AuthorityDoor => {
    const named = readWord(kind, KINDS, 'kind') ?? 'x509';
    const found = deps.authorities[named];
    if (found === undefined)
      throw new Failure('failed-precondition', 'PROFILE_OFF', `this daemon has no ${named} authority`, {
        field: 'kind',
        value: named,
        hint: `set ${SWITCHES[named]}`,
      });
    return found;
  };
  const byId = (authority: AuthorityDoor, id: string): Outgoing<WireAuthority> => {
    const record = authority.show().authorities.find((one) => one.id === id);
    if (record === undefined)
      throw new Failure('internal', 'AUTHORITY_GONE', 'the authority has already been replaced');
    return showAuthority(record);
  };
  return {
    GetAuthorities({ kind }) {
      const view = door(kind).show();
      return {
        authorities: view.authorities.map(showAuthority),
        planned: view.planned.map(({ what, id, at }) => ({ what, authority_id: id ?? '', at })),
        bundle_sequence: view.bundleSequence,
        refresh_hint_seconds: view.refreshHintSeconds,
        ca_ttl_ms: view.caTtlMs,
      };
    },
    async PrepareAuthority({ kind }, asked) {
      const authority = door(kind);
      return { authority: byId(authority, await authority.prepare(nameOf(asked.actor))) };
    },
    async ActivateAuthority({ now, kind }, asked) {
      const authority = door(kind);
      return { authority: byId(authority, await authority.activate({ now, by: nameOf(asked.actor) })) };
    },
    async TaintAuthority({ authority_id: id, kind }, asked) {
      const { id: tainted } = await door(kind).taint({ id, by: nameOf(asked.actor) });
      return { authority: byId(door(kind), tainted) };
    },
    async RevokeAuthority({ authority_id: id, force, kind }, asked) {
      const authority = door(kind);
      const revoked = await authority.revoke({ id, force, by: nameOf(asked.actor) });
      // Its key goes with it.
      return {
        authority: showAuthority({ ...revoked, keyHeld: false }),
        bundle_sequence: authority.show().bundleSequence,
      };
    },
  };
}
