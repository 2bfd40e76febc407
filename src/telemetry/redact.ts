// SPDX-License-Identifier: Apache-2.0
/**
 * What a log line may not carry (I10), whatever the caller handed in: values under a secret name at any depth, bytes,
 * key objects, PEM private keys. Selectors are among the names: docker's may hold passwords out of a container's
 * environment. Bounded in depth, members and text, so that a hostile value cannot make a line without end.
 */
import { Failure } from '../lib/failure.ts';

export const REDACTED = '[redacted]';

/** Compared in lower case without `_` and `-`, so one spelling covers `private_key`, `privateKey` and `PRIVATE-KEY`. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'selectors',
  'selector',
  'facts',
  'environ',
  'privatekey',
  'privatekeypkcs8',
  'pkcs8',
  'x509svidkey',
  'witsvidkey',
  'keypem',
  'secret',
  'password',
  'token',
  'svid',
  'jwt',
]);

const PRIVATE_KEY_TEXT = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;
const DEEPEST = 6;
const MOST_MEMBERS = 64;
const LONGEST_TEXT = 4096;

export function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.replace(/[-_]/g, '').toLowerCase());
}

/** A copy of `value` that is safe to print and safe to turn into JSON. */
export function scrub(value: unknown, depth = 0): unknown {
  if (value === null || value === undefined) return value;
  switch (typeof value) {
    case 'string':
      return scrubText(value);
    case 'bigint':
      return value.toString();
    case 'number':
    case 'boolean':
      return value;
    case 'symbol':
    case 'function':
      return `[${typeof value}]`;
    case 'object':
      return depth >= DEEPEST ? '[deep]' : scrubObject(value, depth + 1);
    default:
      return REDACTED;
  }
}

function scrubText(text: string): string {
  // guard: I10 test/telemetry/redact.test.ts — a key that reached a message as text
  if (PRIVATE_KEY_TEXT.test(text)) return REDACTED;
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

function scrubObject(value: object, depth: number): unknown {
  // guard: I10 test/telemetry/redact.test.ts — bytes are keys, certificates or somebody's input
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return scrubError(value, depth);
  if (Array.isArray(value)) return value.slice(0, MOST_MEMBERS).map((item) => scrub(item, depth));
  if (value instanceof Set) return [...value].slice(0, MOST_MEMBERS).map((item) => scrub(item, depth));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Map) return scrubMembers(value, depth);
  const prototype = Object.getPrototypeOf(value);
  // A class of ours shows as its toString (a SpiffeId), never as its members: a KeyObject or a template has none to show.
  if (prototype !== null && prototype !== Object.prototype) {
    const text = prototype.toString === Object.prototype.toString ? `[${prototype.constructor?.name}]` : String(value);
    return scrubText(text);
  }
  return scrubMembers(Object.entries(value), depth);
}

function scrubMembers(members: Iterable<readonly [unknown, unknown]>, depth: number): object {
  const clean: Record<string, unknown> = Object.create(null);
  let count = 0;
  for (const [name, member] of members) {
    if (++count > MOST_MEMBERS) break;
    const key = String(name);
    // guard: I10 test/telemetry/redact.test.ts
    if (isSecretName(key)) {
      clean[key] = REDACTED;
      continue;
    }
    clean[key] = scrub(member, depth);
  }
  return clean;
}

function scrubError(error: Error, depth: number): object {
  const clean: Record<string, unknown> = Object.create(null);
  clean['name'] = error.name;
  if (error instanceof Failure) clean['reason'] = error.reason;
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' || typeof code === 'number') clean['code'] = code;
  clean['message'] = scrubText(error.message);
  if (!(error instanceof Failure) && error.stack !== undefined) clean['stack'] = scrubText(error.stack);
  if (error.cause !== undefined) clean['cause'] = scrub(error.cause, depth);
  return clean;
}
