// SPDX-License-Identifier: Apache-2.0
/** Why a process gets what it gets, and who gets an identity. */
import type { EntryExplained, ProcessExplained } from '../../issuance/explain.ts';
import type { Failure } from '../../lib/failure.ts';
import type { Refused } from '../../registry/match.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { missing, readCount } from './read-request.ts';
import { showIdentity } from './to-wire.ts';
import type { Outgoing, WireIdentityExplained, WireProcessExplained, WireRefusal } from './wire.ts';

export function explainRpcs(deps: AdminDeps): Handlers<'ExplainProcess' | 'ExplainIdentity'> {
  return {
    async ExplainProcess({ pid }) {
      return showProcess(await deps.explainer.process(readCount(pid, 'pid')));
    },
    ExplainIdentity({ spiffe_id }) {
      const explained = deps.explainer.identity(spiffe_id);
      if (explained === undefined)
        throw missing('IDENTITY_NOT_FOUND', 'identity', spiffe_id, 'assay identity list shows what there is');
      return { identity: showIdentity(explained.identity), entries: explained.entries.map(showEntry) };
    },
  };
}

function showProcess(explained: ProcessExplained): Outgoing<WireProcessExplained> {
  const { pid, uid, gid, refusal, attestors, matches, nearest } = explained;
  return {
    pid,
    uid,
    gid,
    refusal: refusal && showFailure(refusal),
    attestors: attestors.map(({ name, outcome, reason = '', tookMs, selectors, leftOut }) => ({
      name,
      outcome,
      reason,
      took_ms: tookMs,
      selectors,
      left_out: leftOut,
    })),
    matches: matches.map(({ entry, refused }) => ({
      entry_id: entry.id,
      spiffe_id: entry.spiffeId,
      hint: entry.hint,
      refusal: refused && showRefused(refused),
    })),
    nearest: nearest.map(({ entry, lacks }) => ({
      entry_id: entry.id,
      spiffe_id: entry.spiffeId,
      lacks: lacks.map(({ selector, found, why = '' }) => ({ selector, found, why })),
    })),
  };
}

function showEntry(explained: EntryExplained): Outgoing<WireIdentityExplained['entries'][number]> {
  const { entry, selectors, refused, unknownKinds, holders } = explained;
  return {
    entry_id: entry.id,
    selectors: selectors.map(({ selector, strength = '' }) => ({ selector, strength })),
    refusal: refused && showRefused(refused),
    unknown_kinds: unknownKinds,
    holders: holders.map(({ pid, uid }) => ({ pid, uid })),
  };
}

function showFailure({ reason, message, hint = '' }: Failure): WireRefusal {
  return { reason, message, hint };
}

function showRefused({ reason, text }: Refused): WireRefusal {
  return { reason, message: text, hint: '' };
}
