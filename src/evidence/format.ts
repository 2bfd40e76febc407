// SPDX-License-Identifier: Apache-2.0
/**
 * The evidence of one task as a file (docs/evidence.md): events of the log with what they say and their proofs, one checkpoint, and the
 * text of the policies. One evidence has one text (RFC 8785), so that no byte of it can be another.
 */
import { canonicalJson, type Json } from '../lib/canonical-json.ts';
import { Failure } from '../lib/failure.ts';
import { JsonNumber, type JsonValue, parseJsonText } from '../lib/json-text.ts';

/** An event as it is a leaf. */
export interface EvidenceEvent {
  readonly seq: number;
  /** Milliseconds UTC. */
  readonly at: number;
  readonly kind: string;
  readonly actor: string;
  readonly identity: string | null;
  readonly task: string | null;
  readonly payloadSha256: Buffer;
  /** Null where it has left the daemon: with its row, or because it was erased. */
  readonly said: { readonly salt: Buffer; readonly payload: string } | null;
  /** From the leaf upwards (RFC 9162 section 2.1.3). */
  readonly proof: readonly Buffer[];
}

export interface EvidencePolicy {
  /** SHA-256, hex. */
  readonly hash: string;
  /** Canonical JSON of files, guardrails and schema. */
  readonly text: string;
}

export interface Evidence {
  /** Its id. */
  readonly task: string;
  /** A signed note over the tree that all events are proven in. */
  readonly checkpoint: string;
  /** The key of the log as the daemon tells it (c2sp.org/signed-note): whoever knows it already believes that one. */
  readonly verifierKey: string;
  /** By `seq`, each once. */
  readonly events: readonly EvidenceEvent[];
  /** By hash, each once. */
  readonly policies: readonly EvidencePolicy[];
}

const FORMAT = 'assay-evidence';
const VERSION = 1;
/** Some 60 000 issuances. */
export const MOST_BYTES = 134_217_728;

export function evidenceText({ task, checkpoint, verifierKey, events, policies }: Evidence): string {
  const json: Json = {
    format: FORMAT,
    v: VERSION,
    task,
    log: { checkpoint, verifier_key: verifierKey },
    events: events.map(eventJson),
    policies: policies.map(({ hash, text }) => ({ hash, text })),
  };
  return `${canonicalJson(json)}\n`;
}

function eventJson({ seq, at, kind, actor, identity, task, payloadSha256, said, proof }: EvidenceEvent): Json {
  return {
    header: { seq, at, kind, actor, identity, task, payload_sha256: payloadSha256.toString('hex') },
    payload: said?.payload ?? null,
    salt: said?.salt.toString('hex') ?? null,
    inclusion_proof: proof.map((hash) => hash.toString('base64')),
  };
}

/** Throws ('invalid-argument', 'EVIDENCE_INVALID'), or JSON_INVALID, unless it is one, to the byte as it is written. */
export function readEvidence(bytes: Buffer): Evidence {
  // guard: I9 test/evidence/format.test.ts
  if (bytes.length > MOST_BYTES) throw invalid(`it is longer than ${MOST_BYTES} bytes`);
  const text = decode(bytes);
  const file = membersOf(parseJsonText(text, 'evidence'), 'the file');
  if (file.get('format') !== FORMAT) throw invalid(`it does not say that it is ${FORMAT}`);
  const version = wholeOf(file.get('v'), 'v');
  if (version !== VERSION) throw invalid(`it is of version ${version}, and this program reads ${VERSION}`);
  const log = membersOf(file.get('log'), 'log');
  const evidence: Evidence = {
    task: textOf(file.get('task'), 'task'),
    checkpoint: textOf(log.get('checkpoint'), 'checkpoint'),
    verifierKey: textOf(log.get('verifier_key'), 'verifier_key'),
    events: listOf(file.get('events'), 'events').map(readEvent),
    policies: listOf(file.get('policies'), 'policies').map((one) => {
      const members = membersOf(one, 'policies');
      return { hash: textOf(members.get('hash'), 'hash'), text: textOf(members.get('text'), 'text') };
    }),
  };
  // guard: C4 test/evidence/format.test.ts — one evidence has one text, with nothing in it that is not read
  if (evidenceText(evidence) !== text)
    throw invalid('it is not as this was written: a member, an order or a space is another');
  refuseUnordered(evidence);
  return evidence;
}

function refuseUnordered({ events, policies }: Evidence): void {
  const before = <T>(list: readonly T[], key: (one: T) => number | string): boolean =>
    list.every((one, at) => at === 0 || key(list[at - 1] as T) < key(one));
  // guard: C4 test/evidence/format.test.ts
  if (!before(events, ({ seq }) => seq)) throw invalid('its events are not in their order, or one is there twice');
  // guard: C4 test/evidence/format.test.ts
  if (!before(policies, ({ hash }) => hash))
    throw invalid('its policies are not in their order, or one is there twice');
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid('it is not text in UTF-8', cause);
  }
}

function readEvent(json: JsonValue): EvidenceEvent {
  const event = membersOf(json, 'events');
  const header = membersOf(event.get('header'), 'header');
  const textOrNull = (value: JsonValue | undefined, name: string): string | null =>
    value === null ? null : textOf(value, name);
  const payload = textOrNull(event.get('payload'), 'payload');
  const salt = textOrNull(event.get('salt'), 'salt');
  return {
    seq: wholeOf(header.get('seq'), 'seq'),
    at: wholeOf(header.get('at'), 'at'),
    kind: textOf(header.get('kind'), 'kind'),
    actor: textOf(header.get('actor'), 'actor'),
    identity: textOrNull(header.get('identity'), 'identity'),
    task: textOrNull(header.get('task'), 'task'),
    payloadSha256: Buffer.from(textOf(header.get('payload_sha256'), 'payload_sha256'), 'hex'),
    said: payload === null || salt === null ? null : { salt: Buffer.from(salt, 'hex'), payload },
    proof: listOf(event.get('inclusion_proof'), 'inclusion_proof').map((hash) =>
      Buffer.from(textOf(hash, 'inclusion_proof'), 'base64'),
    ),
  };
}

function membersOf(json: JsonValue | undefined, what: string): ReadonlyMap<string, JsonValue> {
  if (json instanceof Map) return json;
  throw invalid(`${what} is no object`);
}

function listOf(json: JsonValue | undefined, what: string): readonly JsonValue[] {
  if (Array.isArray(json)) return json as readonly JsonValue[];
  throw invalid(`${what} is no list`);
}

function textOf(json: JsonValue | undefined, what: string): string {
  if (typeof json === 'string') return json;
  throw invalid(`${what} is no text`);
}

function wholeOf(json: JsonValue | undefined, what: string): number {
  const number = json instanceof JsonNumber ? Number(json.source) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw invalid(`${what} is no whole number`);
}

function invalid(why: string, cause?: unknown): Failure {
  return new Failure('invalid-argument', 'EVIDENCE_INVALID', `the evidence is refused: ${why}`, {
    field: 'evidence',
    hint: 'give the file as assay evidence wrote it',
    cause,
  });
}
