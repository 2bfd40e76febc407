// SPDX-License-Identifier: Apache-2.0
/**
 * Signed notes and the checkpoints in them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), as other logs write them, so
 * that their tools read ours:
 *
 *     <origin>
 *     <size, decimal>
 *     <root, base64>
 *
 *     — <key name> <base64 of key id, 4 bytes, and signature>
 */
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { Failure, quote } from '../lib/failure.ts';
import { HASH_BYTES } from './hash.ts';

export interface Checkpoint {
  /** Names the log: no space, no plus sign, no control character. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: Buffer;
}

/** Who may sign notes under a name. */
export interface NoteVerifier {
  readonly name: string;
  readonly publicKey: KeyObject;
}

export interface NoteSigner extends NoteVerifier {
  /** Ed25519. */
  sign(text: Buffer): Buffer;
}

/** Ed25519, in key ids and verifier keys (c2sp.org/signed-note). */
const ED25519 = 0x01;
const ED25519_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** A checkpoint with a few cosignatures is 500 bytes. */
const NOTE_BYTES = 16_384;
const NOTE_LINES = 64;
const NAME = /^[^\s+\p{C}]{1,255}$/u;

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  const text = checkpointText(checkpoint);
  const signature = signer.sign(Buffer.from(text));
  return `${text}\n— ${signer.name} ${Buffer.concat([keyId(signer), signature]).toString('base64')}\n`;
}

/** Throws Failure('invalid-argument', 'CHECKPOINT_INVALID') unless it is one, and signed by this key under its name. */
export function openCheckpoint(note: string, verifier: NoteVerifier): Checkpoint {
  const { text, signatures } = splitNote(note);
  const id = keyId(verifier);
  const ours = signatures.filter(
    ({ name, blob }) => name === verifier.name && blob.subarray(0, KEY_ID_BYTES).equals(id),
  );
  // guard: B5 test/merkle/note.test.ts
  if (ours.length === 0) throw invalid(`no signature of ${quote(verifier.name)} with the key expected is on it`);
  for (const { blob } of ours) {
    const signature = blob.subarray(KEY_ID_BYTES);
    const good = signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), verifier.publicKey, signature);
    // guard: B5 test/merkle/note.test.ts
    if (!good) throw invalid(`the signature of ${quote(verifier.name)} is not good`);
  }
  return readCheckpoint(text);
}

/** What a checkpoint says, whoever signed it. Throws as `openCheckpoint` does. */
export function readUnverified(note: string): Checkpoint {
  return readCheckpoint(splitNote(note).text);
}

/** `<name>+<key id, hex>+<base64>`, what a verifier is given of a key (c2sp.org/signed-note). */
export function verifierKey(verifier: NoteVerifier): string {
  const encoded = Buffer.concat([Buffer.of(ED25519), rawKey(verifier.publicKey)]);
  return `${verifier.name}+${keyId(verifier).toString('hex')}+${encoded.toString('base64')}`;
}

/** Throws Failure('invalid-argument', 'LOG_KEY_INVALID'). */
export function parseVerifierKey(text: string): NoteVerifier {
  const [, name, id, base64] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]*)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64 ?? '', 'base64');
  if (name === undefined || !NAME.test(name) || bytes.length !== 1 + ED25519_BYTES || bytes[0] !== ED25519)
    throw keyInvalid(text, 'it is not `<name>+<key id>+<key>` of an Ed25519 key');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') };
  const verifier = { name, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) };
  if (keyId(verifier).toString('hex') !== id) throw keyInvalid(text, 'its key id is not that of its key');
  return verifier;
}

interface SplitNote {
  /** With its last line break. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly blob: Buffer }[];
}

function splitNote(note: string): SplitNote {
  // guard: I9 test/merkle/note.test.ts
  if (Buffer.byteLength(note) > NOTE_BYTES) throw invalid(`it is longer than ${NOTE_BYTES} bytes`);
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw invalid('it has no signatures after an empty line');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > NOTE_LINES) throw invalid(`it has more than ${NOTE_LINES} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(readSignature) };
}

function readSignature(line: string): { name: string; blob: Buffer } {
  const [, name, base64] = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
  const blob = Buffer.from(base64 ?? '', 'base64');
  // One text for one note: spare bits of base64 are zero.
  if (name === undefined || blob.toString('base64') !== base64)
    throw invalid(`its line ${quote(line)} is no signature`);
  return { name, blob };
}

function readCheckpoint(text: string): Checkpoint {
  const [origin = '', digits = '', base64 = ''] = text.split('\n');
  const root = Buffer.from(base64, 'base64');
  const size = Number(digits);
  if (!NAME.test(origin)) throw invalid('its first line names no log');
  if (!/^(0|[1-9]\d{0,15})$/.test(digits) || !Number.isSafeInteger(size)) throw invalid('its second line is no size');
  if (root.length !== HASH_BYTES || root.toString('base64') !== base64) throw invalid('its third line is no root');
  return { origin, size, root };
}

function keyId({ name, publicKey }: NoteVerifier): Buffer {
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), rawKey(publicKey)]);
  return hash('sha256', named, 'buffer').subarray(0, KEY_ID_BYTES);
}

function rawKey(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url');
}

function invalid(why: string): Failure {
  return new Failure('invalid-argument', 'CHECKPOINT_INVALID', `the checkpoint is refused: ${why}`, {
    field: 'checkpoint',
    hint: 'give the file as the daemon wrote it',
  });
}

function keyInvalid(text: string, why: string): Failure {
  return new Failure('invalid-argument', 'LOG_KEY_INVALID', `the log key ${quote(text)} is refused: ${why}`, {
    field: 'key',
    value: quote(text),
    hint: 'the daemon prints it with: assay audit checkpoint --key',
  });
}
