// SPDX-License-Identifier: Apache-2.0
/** Entries: create, get, list, count, update, delete. */
import { SpiffeId } from '../../identity/spiffe-id.ts';
import { Failure } from '../../lib/failure.ts';
import type { EntryPatch, NewEntry } from '../../registry/input.ts';
import type { EntryRecord, IdentityKind } from '../../store/records.ts';
import type { AdminDeps, EntryFilter } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readCount, readInstant, readLabels, readPage, readWord } from './read-request.ts';
import { entryShower, showIdentity } from './to-wire.ts';
import type { Request, WireEntry, WireEntryFilter } from './wire.ts';

type EntryRpc = 'CreateEntry' | 'GetEntry' | 'ListEntries' | 'CountEntries' | 'UpdateEntry' | 'DeleteEntry';

const KINDS: readonly IdentityKind[] = ['service', 'job', 'bot', 'agent', 'legacy'];

export function entryRpcs(deps: AdminDeps): Handlers<EntryRpc> {
  const { registry } = deps;
  const show = entryShower(deps);
  const known = (id: string): EntryRecord => {
    const entry = registry.entry(id);
    if (entry === undefined) throw missing('ENTRY_NOT_FOUND', 'entry', id, 'list them: assay entry list');
    return entry;
  };
  return {
    async CreateEntry(request, asked) {
      const wish = readWish(request);
      // Compared as the parser gives it back, so that no other spelling of an ID slips past a prefix.
      asked.assertMayWrite(SpiffeId.parse(wish.spiffeId, 'spiffe_id').toString());
      const { entry, identity, warnings } = await registry.createEntry(wish, asked.actor);
      return { entry: show(entry), identity: showIdentity(identity), warnings };
    },
    GetEntry({ id }) {
      const entry = known(id);
      const identity = registry.identity(entry.spiffeId);
      return { entry: show(entry), identity: identity === undefined ? undefined : showIdentity(identity) };
    },
    ListEntries(request) {
      const { rows, next } = registry.entries(readFilter(request.filter), readPage(request));
      return { entries: rows.map(show), next_page_token: next ?? '' };
    },
    async CountEntries({ filter }) {
      return { count: await registry.countEntries(readFilter(filter)) };
    },
    async UpdateEntry(request, asked) {
      // The SPIFFE ID of an entry never changes, so the prefix is asked of what stands.
      asked.assertMayWrite(known(request.id).spiffeId);
      const { entry, warnings } = await registry.updateEntry(request.id, readChange(request), asked.actor);
      return { entry: show(entry), warnings };
    },
    async DeleteEntry({ id }, asked) {
      const entry = known(id);
      asked.assertMayWrite(entry.spiffeId);
      await registry.deleteEntry(id, asked.actor);
      return { entry: show(entry) };
    },
  };
}

function readWish(request: Request<'CreateEntry'>): NewEntry {
  const { entry } = request;
  if (entry === null) throw invalid('ENTRY_MISSING', 'entry', '', 'is missing', 'say what to create');
  return {
    ...optional('entryId', given(entry.id)),
    spiffeId: entry.spiffe_id,
    ...optional('parentId', given(entry.parent_id)),
    selectors: entry.selectors,
    ...optional('x509TtlSeconds', readSeconds(entry.x509_ttl_seconds, 'x509_ttl_seconds')),
    ...optional('jwtTtlSeconds', readSeconds(entry.jwt_ttl_seconds, 'jwt_ttl_seconds')),
    jwtJti: entry.jwt_jti,
    dnsNames: entry.dns_names,
    federatesWith: entry.federates_with,
    ...optional('hint', given(entry.hint)),
    ...optional('expiresAt', readOptionalInstant(entry.expires_at, 'expires_at')),
    acceptClaimedSelectors: request.accept_claimed_selectors,
    identity: {
      ...optional('kind', readWord(request.kind, KINDS, 'kind')),
      ...optional('owner', given(request.owner)),
      ...optional('deputy', given(request.deputy)),
      ...optional('reviewBy', readOptionalInstant(request.review_by, 'review_by')),
      ...optional('purpose', given(request.purpose)),
      ...optional('environment', given(request.environment)),
      ...optional('expiresAt', readOptionalInstant(request.identity_expires_at, 'identity_expires_at')),
      ...optional('labels', request.labels.length === 0 ? undefined : readLabels(request.labels)),
    },
  };
}

const CHANGES: ReadonlyMap<string, (entry: WireEntry) => EntryPatch> = new Map<
  string,
  (entry: WireEntry) => EntryPatch
>([
  ['selectors', (entry) => ({ selectors: entry.selectors })],
  [
    'x509_ttl_seconds',
    (entry) => ({ x509TtlSeconds: readSeconds(entry.x509_ttl_seconds, 'x509_ttl_seconds') ?? null }),
  ],
  ['jwt_ttl_seconds', (entry) => ({ jwtTtlSeconds: readSeconds(entry.jwt_ttl_seconds, 'jwt_ttl_seconds') ?? null })],
  ['jwt_jti', (entry) => ({ jwtJti: entry.jwt_jti })],
  ['dns_names', (entry) => ({ dnsNames: entry.dns_names })],
  ['federates_with', (entry) => ({ federatesWith: entry.federates_with })],
  ['hint', (entry) => ({ hint: entry.hint })],
  ['expires_at', (entry) => ({ expiresAt: readOptionalInstant(entry.expires_at, 'expires_at') ?? null })],
]);

function readChange(request: Request<'UpdateEntry'>): EntryPatch {
  const { entry, fields } = request;
  if (fields.length === 0 || entry === null) {
    throw new Failure('invalid-argument', 'NOTHING_TO_CHANGE', 'fields: nothing to change was named', {
      field: 'fields',
      hint: `name at least one of: ${[...CHANGES.keys()].join(', ')}`,
    });
  }
  let change: EntryPatch = request.accept_claimed_selectors ? { acceptClaimedSelectors: true } : {};
  for (const field of fields) {
    const read = CHANGES.get(field);
    if (read === undefined) {
      const may = [...CHANGES.keys()].join(', ');
      throw invalid(
        'FIELD_FIXED',
        'fields',
        field,
        'cannot be changed',
        `these can: ${may}; for another, make a new entry`,
      );
    }
    change = { ...change, ...read(entry) };
  }
  return change;
}

function readFilter(filter: WireEntryFilter | null): EntryFilter {
  if (filter === null) return {};
  return {
    ...optional('spiffeId', given(filter.spiffe_id)),
    ...optional('parentId', given(filter.parent_id)),
    ...(filter.selectors.length === 0 ? {} : { selectors: filter.selectors }),
    ...optional('federatesWith', given(filter.federates_with)),
    ...optional('hint', given(filter.hint)),
  };
}

function readSeconds(value: string | undefined, field: string): number | undefined {
  return value === undefined ? undefined : readCount(value, field);
}

function readOptionalInstant(value: string | undefined, field: string): number | undefined {
  return value === undefined ? undefined : readInstant(value, field);
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
