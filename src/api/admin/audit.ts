// SPDX-License-Identifier: Apache-2.0
/** The log: events, proofs, checkpoints, and payloads that have to be erased. */
import { parseText } from '../../registry/plain-text.ts';
import type { EventRecord } from '../../store/events.ts';
import type { Page } from '../../store/store.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readCount, readInstant, readPage } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { AuditRpcs, WireEvent } from './wire-audit.ts';
import type { Int64, Paged } from './wire-values.ts';

const REASON_MAX = 200;
/** Events with their proofs in one answer: some milliseconds. */
const PROOFS_MOST = 100;
/** `entry.create`, or `entry.` for all that begin so. */
const KIND = /^[a-z0-9_]{1,32}\.[a-z0-9_]{0,32}$/;

export function auditRpcs({ audit, now }: AdminDeps): Handlers<keyof AuditRpcs> {
  const known = (asked: Int64): EventRecord => {
    const event = audit.event(readCount(asked, 'seq'));
    if (event === undefined) throw missing('EVENT_NOT_FOUND', 'event', asked, 'look with: assay audit query');
    return event;
  };
  const treeOf = (size: number, seq: number): { readonly size: number; readonly note: string } => {
    const most = audit.head().size;
    if (size <= seq || size > most) {
      const why = `is not from ${seq + 1}, which is the first over event ${seq}, to ${most}, which is all there is`;
      throw invalid('SIZE_INVALID', 'size', String(size), why, 'give the size that the checkpoint says');
    }
    const over = audit.checkpointOver(size - 1);
    return { size, note: over?.size === size ? over.note : '' };
  };
  return {
    ListEvents(request) {
      const {
        identity,
        kind,
        actor,
        task,
        since,
        until,
        newest_first: newestFirst,
        from_seq: from,
        before_seq: before,
      } = request;
      if (kind !== '' && !KIND.test(kind))
        throw invalid(
          'KIND_INVALID',
          'kind',
          kind,
          'is no kind of event',
          'write entry.create, or entry. for all of them',
        );
      const size = audit.head().size;
      const proveIn = request.prove_in === undefined ? undefined : provable(request.prove_in, size);
      const filter = {
        identity: given(identity),
        task: given(task),
        kind: given(kind),
        actor: given(actor),
        since: since === undefined ? undefined : readInstant(since, 'since'),
        until: until === undefined ? undefined : readInstant(until, 'until'),
        fromSeq: from === undefined ? undefined : readCount(from, 'from_seq'),
        beforeSeq: before === undefined ? undefined : readCount(before, 'before_seq'),
      };
      if (proveIn === undefined) {
        const { rows, next } = audit.events(filter, readPage(request), newestFirst);
        return { events: rows.map(showEvent), next_page_token: next ?? '', size, proofs: [] };
      }
      const { rows, next } = audit.provenEvents(filter, fewer(request), proveIn, newestFirst);
      const proofs = rows.map(({ proof }) => ({ hashes: proof }));
      return { events: rows.map(({ event }) => showEvent(event)), next_page_token: next ?? '', size, proofs };
    },
    async GetEventProof({ seq, size }) {
      const event = known(seq);
      const over =
        size === undefined
          ? (audit.checkpointOver(event.seq) ?? (await audit.checkpoint()))
          : treeOf(readCount(size, 'size'), event.seq);
      return {
        event: showEvent(event),
        inclusion_proof: audit.inclusionProof(event.seq, over.size),
        checkpoint: over.note,
        checkpoint_size: over.size,
      };
    },
    async GetCheckpoint() {
      const { note } = await audit.checkpoint();
      return { checkpoint: note, verifier_key: audit.verifierKey() };
    },
    async RedactEvent({ seq, reason }, { actor }) {
      const event = known(seq);
      await audit.redact(event.seq, parseText(reason, 'reason', REASON_MAX), nameOf(actor), now());
      return { event: showEvent(known(seq)) };
    },
  };
}

/** The tree of so many events, which are there. */
function provable(asked: Int64, most: number): number {
  const size = readCount(asked, 'prove_in');
  if (size >= 1 && size <= most) return size;
  throw invalid('SIZE_INVALID', 'prove_in', String(size), `is not from 1 to ${most}`, 'give the size of a checkpoint');
}

/** A proof is hashed anew from a few hundred leaves, on the main loop. */
function fewer(request: Paged): Page {
  const page = readPage(request);
  // guard: I9 test/api/admin/events.test.ts
  if (page.limit > PROOFS_MOST)
    throw invalid('PAGE_INVALID', 'page_size', String(page.limit), `is above ${PROOFS_MOST}`, 'ask for fewer proofs');
  return page;
}

function showEvent(event: EventRecord): Outgoing<WireEvent> {
  const { payload } = event;
  return {
    seq: event.seq,
    at: event.at,
    kind: event.kind,
    actor: event.actor,
    identity: event.identity ?? '',
    task: event.task ?? '',
    payload_sha256: event.payloadSha256,
    leaf_hash: event.leafHash,
    ...(payload === undefined ? {} : { payload: payload.text, salt: payload.salt }),
  };
}
