// SPDX-License-Identifier: Apache-2.0
/**
 * The log of everything that happened: events that are appended and never changed, each a leaf of one tree (RFC 9162).
 *
 * A leaf is the hash of an event's header in canonical JSON. The header names the payload by a salted hash only, so that a
 * payload can be erased, as personal data may have to be, while the leaf and all proofs stand.
 */
import { canonicalNumber, canonicalText } from '../lib/canonical-json.ts';
import { leafHash, sha256 } from '../merkle/hash.ts';
import type { Listed, Page } from './store.ts';

/** `issue.x509`, `entry.create`: who or what it is about, a dot, what happened. */
export type EventKind = `${string}.${string}`;

export interface NewEvent {
  readonly kind: EventKind;
  readonly at: number;
  /** `uid:0`, a SPIFFE ID, or `assay` for the daemon itself. */
  readonly actor: string;
  /** The SPIFFE ID of the identity that it is about, if it is about one. */
  readonly identity: string | null;
  /** The task that it belongs to, if it belongs to one. */
  readonly task?: string | null;
  /** Canonical JSON. */
  readonly payload: string;
}

/** What the leaf is the hash of. */
export interface EventHeader {
  /** Which leaf of the tree; the first is 0. */
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly actor: string;
  readonly identity: string | null;
  /** The task that it belongs to, if it belongs to one. */
  readonly task: string | null;
  readonly payloadSha256: Buffer;
}

export interface EventRecord extends EventHeader {
  /** The sequence of the issuance whose row is its payload; null for all others. */
  readonly issuance: number | null;
  readonly leafHash: Buffer;
  /** Undefined where it has been erased, or has left with the row that it is kept in. */
  readonly payload: { readonly salt: Buffer; readonly text: string } | undefined;
}

export const SALT_BYTES = 16;

/** The salt as lower-case hex, then the payload, both as UTF-8. */
export function payloadHash(saltHex: string, payload: string): Buffer {
  return sha256(saltHex + payload);
}

/** Canonical JSON (RFC 8785): the names are in their order. */
export function headerText(event: Omit<EventHeader, 'payloadSha256'>, payloadHex: string): string {
  const { actor, at, identity, kind, seq, task } = event;
  return `{"actor":${canonicalText(actor)},"at":${canonicalNumber(at)},"identity":${textOrNull(identity)},"kind":${canonicalText(kind)},"payload_sha256":"${payloadHex}","seq":${canonicalNumber(seq)},"task":${textOrNull(task)}}`;
}

export function eventLeaf(event: EventHeader): Buffer {
  return leafHash(headerText(event, event.payloadSha256.toString('hex')));
}

function textOrNull(text: string | null): string {
  return text === null ? 'null' : canonicalText(text);
}

/** What an issuance event says: its row, but for what may change later. Columns as stored; `marks` and `audiences` are texts. */
export interface IssuancePayload {
  readonly seq: number;
  readonly serial: string;
  readonly entryId: string;
  readonly authorityId: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly askedTtlMs: number;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly startTime: string;
  readonly marks: string;
  readonly facts: string;
  readonly audiences: string;
}

/**
 * Canonical JSON, made by hand: it is on the way of every credential. What is an id, hexadecimal, a word or a number has no
 * character that JSON escapes; should a row hold one, it says something else than what was logged, and verification says so.
 */
export function issuancePayload(row: IssuancePayload): string {
  const audiences = row.audiences === '' ? '""' : canonicalText(row.audiences);
  return `{"asked_ttl_ms":${row.askedTtlMs},"audiences":${audiences},"authority_id":"${row.authorityId}","entry_id":"${row.entryId}","facts":${canonicalText(row.facts)},"gid":${row.gid},"marks":"${row.marks}","not_after":${row.notAfter},"not_before":${row.notBefore},"pid":${row.pid},"seq":${row.seq},"serial":"${row.serial}","start_time":"${row.startTime}","uid":${row.uid}}`;
}

export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

export interface CheckpointRecord extends TreeHead {
  readonly at: number;
  /** As signed (`merkle/note.ts`). */
  readonly note: string;
}

export interface ProvenEvent {
  readonly event: EventRecord;
  /** In a tree of a size that was asked for (RFC 9162 section 2.1.3). */
  readonly proof: readonly Buffer[];
}

export interface EventFilter {
  readonly identity?: string | undefined;
  /** Id of the task that it belongs to. */
  readonly task?: string | undefined;
  /** The kind, or with a dot at its end all that begin with it: `issue.`. */
  readonly kind?: string | undefined;
  readonly actor?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** From this one on. */
  readonly fromSeq?: number | undefined;
  /** Before this one. */
  readonly beforeSeq?: number | undefined;
}

export interface AuditStore {
  /** An event that changes nothing else of ours. Resolves when it is durable. */
  append(event: NewEvent): Promise<{ readonly seq: number }>;
  /** Told how many events there are, after each batch that appended some. Returns the undo. */
  onAppended(listener: (events: number) => void): () => void;
  /** The tree of all that is committed. */
  head(): TreeHead;
  /** Undefined where the tree has no such leaf. */
  event(seq: number): EventRecord | undefined;
  /** Oldest first, or newest first. */
  events(filter: EventFilter, page: Page, newestFirst?: boolean): Listed<EventRecord>;
  /** Those that are in the tree of `size` leaves, which is there, with their proofs. A page may have fewer than asked, and a next one. */
  provenEvents(filter: EventFilter, page: Page, size: number, newestFirst?: boolean): Listed<ProvenEvent>;
  /** Proof that the leaf is in the tree of `size` leaves, which is there. */
  inclusionProof(seq: number, size: number): readonly Buffer[];
  consistencyProof(from: number, to: number): readonly Buffer[];
  /** The root of the first `size` leaves. */
  rootAt(size: number): Buffer;
  /** Kept for good; a second one of the same size is left out. */
  putCheckpoint(checkpoint: CheckpointRecord): Promise<void>;
  latestCheckpoint(): CheckpointRecord | undefined;
  /** The smallest whose tree holds this leaf. */
  checkpointOver(seq: number): CheckpointRecord | undefined;
  /**
   * Erases the payload of an event, and says so in another. Rejects with ('not-found', 'EVENT_NOT_FOUND'), and with
   * ('failed-precondition', 'PAYLOAD_KEPT') for one that is kept in a row that is needed.
   */
  redact(seq: number, reason: string, by: string, at: number): Promise<void>;
}
