// SPDX-License-Identifier: Apache-2.0
/** What was issued: get by serial, list, take back. */
import { Failure } from '../../lib/failure.ts';
import { parseText } from '../../registry/plain-text.ts';
import type { RevocationScope, RevokedSvid } from '../../store/revocations.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Asked, Handlers } from './handler.ts';
import { given, missing, readPage } from './read-request.ts';
import { showSvid } from './to-wire.ts';
import type { Outgoing, Request } from './wire.ts';
import type { SvidRpcs, WireRevoked } from './wire-svid.ts';

const REASON_MAX = 200;
/** The rest is in the log's event. */
const MOST_SHOWN = 1_000;

export function svidRpcs(deps: AdminDeps): Handlers<keyof SvidRpcs> {
  return {
    GetSvid({ serial }) {
      const row = deps.issuances.bySerial(plainSerial(serial));
      if (row === undefined)
        throw missing('SVID_NOT_FOUND', 'SVID with the serial', serial, 'list them: assay svid list');
      return { svid: showSvid(row) };
    },
    ListSvids(request) {
      const spiffeId = given(request.spiffe_id);
      const entryId = given(request.entry_id);
      const { rows, next } = deps.issuances.list(
        {
          ...(request.active ? { activeAt: deps.now() } : {}),
          ...(request.revoked ? { revoked: true } : {}),
          ...(spiffeId === undefined ? {} : { spiffeId }),
          ...(entryId === undefined ? {} : { entryId }),
        },
        readPage(request),
      );
      return { svids: rows.map(showSvid), next_page_token: next ?? '' };
    },
    async RevokeSvids(request, asked) {
      const scope = readScope(request, deps, asked);
      const reason = parseText(request.reason, 'reason', REASON_MAX);
      const revoked = await deps.issuances.revocations.revoke(scope, reason, nameOf(asked.actor), deps.now());
      return { count: revoked.length, revoked: revoked.slice(0, MOST_SHOWN).map(showRevoked) };
    },
  };
}

/** Throws unless just one thing is named, it is there, and the caller may write it. */
function readScope(request: Request<'RevokeSvids'>, deps: AdminDeps, asked: Asked): RevocationScope {
  const named = [
    ['serial', request.serial],
    ['entry_id', request.entry_id],
    ['spiffe_id', request.spiffe_id],
    ['authority_id', request.authority_id],
  ].filter(([, value]) => value !== '') as [string, string][];
  const [first, ...more] = named;
  if (first === undefined || more.length > 0) throw notOne(named.map(([field]) => field));
  const [field, value] = first;
  switch (field) {
    case 'serial':
      return ofSerial(plainSerial(value), deps, asked);
    case 'entry_id':
      return ofEntry(value, deps, asked);
    case 'spiffe_id':
      return ofIdentity(value, deps, asked);
    default:
      return ofAuthority(value, deps, asked);
  }
}

function ofSerial(serial: string, { issuances, now }: AdminDeps, asked: Asked): RevocationScope {
  const row = issuances.bySerial(serial);
  if (row === undefined) throw missing('SVID_NOT_FOUND', 'SVID with the serial', serial, 'list them: assay svid list');
  asked.assertMayWrite(row.spiffeId);
  const state = row.revokedAt !== null ? 'was revoked already' : row.notAfter <= now() ? 'has expired' : undefined;
  if (state === undefined) return { what: 'serial', serial };
  throw new Failure('failed-precondition', 'SVID_NOT_VALID', `the SVID ${serial} ${state}`, {
    field: 'serial',
    value: serial,
    hint: `look at it: assay svid show ${serial}`,
  });
}

/** Of one that is deleted what it gave may still be valid; who may write it then is whoever may write everything. */
function ofEntry(entryId: string, { registry }: AdminDeps, asked: Asked): RevocationScope {
  const entry = registry.entry(entryId);
  if (entry !== undefined) asked.assertMayWrite(entry.spiffeId);
  else if (asked.may.mayWrite(asked.caller) !== 'everything')
    throw missing('ENTRY_NOT_FOUND', 'entry', entryId, 'list them: assay entry list');
  return { what: 'entry', entryId };
}

function ofIdentity(spiffeId: string, { registry }: AdminDeps, asked: Asked): RevocationScope {
  if (registry.identity(spiffeId) === undefined)
    throw missing('IDENTITY_NOT_FOUND', 'identity', spiffeId, 'list them: assay identity list');
  asked.assertMayWrite(spiffeId);
  return { what: 'identity', spiffeId };
}

/** Concerns identities of everybody. */
function ofAuthority(authorityId: string, { authorities }: AdminDeps, asked: Asked): RevocationScope {
  // guard: C1 test/api/admin/svids.test.ts
  if (asked.may.mayWrite(asked.caller) !== 'everything')
    throw new Failure(
      'permission-denied',
      'WRITE_NOT_ALLOWED',
      'a registrar may not take back what an authority signed',
      {
        field: 'authority_id',
        value: authorityId,
        hint: 'name an entry or an identity, or ask whoever runs the daemon',
      },
    );
  const known = Object.values(authorities).flatMap((door) => door?.show().authorities ?? []);
  if (!known.some(({ id }) => id === authorityId))
    throw missing('AUTHORITY_NOT_FOUND', 'authority', authorityId, 'list them: assay ca show');
  return { what: 'authority', authorityId };
}

/** openssl prints serials in capitals, some tools with colons. */
function plainSerial(serial: string): string {
  return serial.replaceAll(':', '').toLowerCase();
}

function showRevoked({ serial, kind, spiffeId, entryId, notAfter }: RevokedSvid): Outgoing<WireRevoked> {
  return { serial, kind, spiffe_id: spiffeId, entry_id: entryId, not_after: notAfter };
}

function notOne(fields: readonly string[]): Failure {
  const said = fields.length === 0 ? 'none is given' : `${fields.join(' and ')} are given`;
  return new Failure(
    'invalid-argument',
    'SCOPE_INVALID',
    `one serial, entry, identity or authority is named; ${said}`,
    {
      field: fields[1] ?? 'serial',
      hint: 'name just one: assay svid revoke SERIAL, or --entry-id, --spiffe-id, --authority-id',
    },
  );
}
