// SPDX-License-Identifier: Apache-2.0
/** Identities, from draft to tombstone. */
import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Stepped } from '../../registry/identity-writer.ts';
import type { IdentityPatch } from '../../registry/input.ts';
import type { IdentityKind, IdentityRecord, IdentityState } from '../../store/records.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, missing, readInstant, readLabels, readPage, readWord } from './read-request.ts';
import { entryShower, showIdentity } from './to-wire.ts';
import type { Outgoing, Request } from './wire.ts';
import type { IdentityRpcs, WireStepped } from './wire-identity.ts';

const FIELDS = ['owner', 'deputy', 'purpose', 'env', 'labels', 'review_by'] as const;

const STATES: readonly IdentityState[] = ['draft', 'active', 'suspended', 'retired'];
const KINDS: readonly IdentityKind[] = ['service', 'job', 'bot', 'agent', 'legacy'];
const MOST_ENTRIES_SHOWN = 1_000;

export function identityRpcs(deps: AdminDeps): Handlers<keyof IdentityRpcs> {
  const { registry } = deps;
  const { life } = registry;
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
      return showStepped(await registry.resumeIdentity(spiffe_id, asked.actor, until));
    },
    async CreateIdentity(request, asked) {
      // Compared as the parser gives it back, so that no other spelling of an ID slips past a prefix.
      asked.assertMayWrite(SpiffeId.parse(request.spiffe_id, 'spiffe_id').toString());
      const kind = readWord(request.kind, KINDS, 'kind');
      const { expires_at: expires, review_by: review } = request;
      const identity = await life.create(
        {
          spiffeId: request.spiffe_id,
          owner: given(request.owner),
          deputy: given(request.deputy),
          purpose: given(request.purpose),
          kind,
          environment: given(request.environment),
          labels: readLabels(request.labels),
          expiresAt: expires === undefined ? undefined : readInstant(expires, 'expires'),
          reviewBy: review === undefined ? undefined : readInstant(review, 'review_by'),
          draft: request.draft,
        },
        asked.actor,
      );
      return { identity: showIdentity(identity) };
    },
    async UpdateIdentity(request, asked) {
      asked.assertMayWrite(known(request.spiffe_id).spiffeId);
      return { identity: showIdentity(await life.update(request.spiffe_id, readPatch(request), asked.actor)) };
    },
    async ActivateIdentity({ spiffe_id }, asked) {
      asked.assertMayWrite(known(spiffe_id).spiffeId);
      return showStepped(await life.activate(spiffe_id, asked.actor));
    },
    async RenewIdentity({ spiffe_id, expires_at, owner }, asked) {
      asked.assertMayWrite(known(spiffe_id).spiffeId);
      const until = expires_at === undefined ? undefined : readInstant(expires_at, 'expires');
      return showStepped(await life.renew(spiffe_id, asked.actor, until, given(owner)));
    },
    async RetireIdentity({ spiffe_id, reason }, asked) {
      asked.assertMayWrite(known(spiffe_id).spiffeId);
      return { identity: showIdentity(await life.retire(spiffe_id, reason, asked.actor)) };
    },
  };
}

function showStepped({ identity, ownerWhoLeft }: Stepped): Outgoing<WireStepped> {
  return { identity: showIdentity(identity), owner_who_left: ownerWhoLeft ?? '' };
}

/** An empty text clears; what is not among `fields` stays. */
function readPatch(request: Request<'UpdateIdentity'>): IdentityPatch {
  const fields = new Set(request.fields.map((field) => readWord(field, FIELDS, 'fields')));
  const text = (value: string): string | null => given(value) ?? null;
  const { review_by: review } = request;
  return {
    ...(fields.has('owner') ? { owner: request.owner } : {}),
    ...(fields.has('deputy') ? { deputy: text(request.deputy) } : {}),
    ...(fields.has('purpose') ? { purpose: text(request.purpose) } : {}),
    ...(fields.has('env') ? { environment: text(request.environment) } : {}),
    ...(fields.has('labels') ? { labels: readLabels(request.labels) } : {}),
    ...(fields.has('review_by') ? { reviewBy: review === undefined ? null : readInstant(review, 'review_by') } : {}),
  };
}
