// SPDX-License-Identifier: Apache-2.0
/** Identities: get, list, suspend, resume. */
import type { IdentityRecord, IdentityState } from '../../store/records.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, missing, readInstant, readPage, readWord } from './read-request.ts';
import { entryShower, showIdentity } from './to-wire.ts';

type IdentityRpc = 'GetIdentity' | 'ListIdentities' | 'SuspendIdentity' | 'ResumeIdentity';

const STATES: readonly IdentityState[] = ['draft', 'active', 'suspended', 'retired'];
const MOST_ENTRIES_SHOWN = 1_000;

export function identityRpcs(deps: AdminDeps): Handlers<IdentityRpc> {
  const { registry } = deps;
  const show = entryShower(deps);
  const known = (spiffeId: string): IdentityRecord => {
    const identity = registry.identity(spiffeId);
    if (identity === undefined) {
      throw missing('IDENTITY_NOT_FOUND', 'identity', spiffeId, 'list them: assay identity list');
    }
    return identity;
  };
  return {
    GetIdentity({ spiffe_id }) {
      const identity = known(spiffe_id);
      const entries = registry.entriesOf(identity.spiffeId).slice(0, MOST_ENTRIES_SHOWN);
      return { identity: showIdentity(identity), entries: entries.map(show) };
    },
    ListIdentities(request) {
      const state = readWord(request.state, STATES, 'state');
      const owner = given(request.owner);
      const before =
        request.expires_before === undefined ? undefined : readInstant(request.expires_before, 'expires_before');
      const { rows, next } = registry.identities(
        {
          ...(state === undefined ? {} : { state }),
          ...(owner === undefined ? {} : { owner }),
          ...(before === undefined ? {} : { expiresBefore: before }),
        },
        readPage(request),
      );
      return { identities: rows.map(showIdentity), next_page_token: next ?? '' };
    },
    async SuspendIdentity({ spiffe_id, reason }, asked) {
      asked.assertMayWrite(known(spiffe_id).spiffeId);
      return { identity: showIdentity(await registry.suspendIdentity(spiffe_id, reason, asked.actor)) };
    },
    async ResumeIdentity({ spiffe_id, expires_at }, asked) {
      asked.assertMayWrite(known(spiffe_id).spiffeId);
      const until = expires_at === undefined ? undefined : readInstant(expires_at, 'expires_at');
      return { identity: showIdentity(await registry.resumeIdentity(spiffe_id, asked.actor, until)) };
    },
  };
}
