// SPDX-License-Identifier: Apache-2.0
/**
 * Bundles as text: the SPIFFE bundle document, a JWK set (SPIFFE Trust Domain and Bundle, section 4), written and read, and
 * certificates in PEM, read. Only certificates that could vouch for an SVID come out of it.
 *
 * Reading is lenient where the standard wants it (unknown members, keys of a kind or use that we do not know) and strict
 * where leniency would drop a root in silence: a certificate that cannot be read refuses the document. An empty document is
 * a valid one and means that nobody of that trust domain is trusted any more (BUN-02).
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readJwtKey } from '../jwt/key.ts';
import { Failure, quote } from '../lib/failure.ts';
import { JsonNumber, type JsonValue, parseJsonText } from '../lib/json-text.ts';
import type { BundleContent, JwtKeyRecord } from '../store/records.ts';
import { type ParsedCertificate, parseCertificate } from '../x509/parse.ts';
import { fromPem } from '../x509/pem.ts';

const LARGEST_DOCUMENT = 1024 * 1024;
const KNOWN_KTY: ReadonlySet<string> = new Set(['EC', 'RSA']);
const X509_USE = 'x509-svid';
const JWT_USE = 'jwt-svid';
const WIT_USE = 'wit-svid';
const LARGEST_SEQUENCE = 2n ** 64n - 1n;

export interface WrittenBundle {
  /** DER. */
  readonly certificates: readonly Buffer[];
  readonly jwtKeys: readonly JwtKeyRecord[];
  /** None of those of others is kept. */
  readonly witKeys?: readonly JwtKeyRecord[];
  /** Left out where it is not ours to give, as with a bundle set by hand. */
  readonly sequence?: number | bigint | null;
  readonly refreshHintSeconds?: number | null;
}

/** Exactly the members that the standard defines (BUN-10, X509-22, JWT-15): no `alg`, and a `kid` for keys of tokens alone. */
export function renderSpiffeBundle(bundle: WrittenBundle): string {
  const keys = bundle.certificates.map((der) => {
    const { kty, crv, x, y, n, e } = new X509Certificate(der).publicKey.export({ format: 'jwk' });
    // JSON.stringify leaves out what this kind of key does not have.
    return JSON.stringify({ use: X509_USE, kty, crv, x, y, n, e, x5c: [der.toString('base64')] });
  });
  const { jwtKeys, witKeys = [] } = bundle;
  // guard: WIT-16 test/bundle/wit-keys.test.ts — also WIT-18: the kid is made of the key
  if (new Set([...jwtKeys, ...witKeys].map(({ kid }) => kid)).size < jwtKeys.length + witKeys.length)
    throw twoOfOneKid();
  keys.push(...jwtKeys.map((key) => tokenKey(JWT_USE, key)), ...witKeys.map((key) => tokenKey(WIT_USE, key)));
  const members = [`"keys":[${keys.join(',')}]`];
  // By hand, since a bigint has no place in JSON.stringify and a double would round it (BUN-04).
  if (bundle.sequence != null) members.push(`"spiffe_sequence":${bundle.sequence}`);
  if (bundle.refreshHintSeconds != null) members.push(`"spiffe_refresh_hint":${bundle.refreshHintSeconds}`);
  return `{${members.join(',')}}
`;
}

function tokenKey(use: string, { kid, publicKey }: JwtKeyRecord): string {
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
  return JSON.stringify({ use, kty, kid, crv, x, y, n, e });
}

/** A set of CA certificates in PEM: DER, each once, in the order given. An empty one is a mistake, not a revocation. */
export function parsePemBundle(text: string, field = 'bundle'): readonly Buffer[] {
  // guard: I9 test/bundle/document.test.ts
  if (text.length > LARGEST_DOCUMENT) throw refused(field, `it is larger than ${LARGEST_DOCUMENT} bytes`);
  const found = fromPem(text, 'CERTIFICATE');
  // guard: CLI-21 test/bundle/document.test.ts
  if (found.length === 0) throw refused(field, 'it holds no certificate');
  for (const [index, der] of found.entries()) checkAnchor(der, `${field} certificate ${index + 1}`);
  return [...new Map(found.map((der) => [der.toString('base64'), der])).values()];
}

export function readBundle(format: 'pem' | 'spiffe', text: string): BundleContent {
  if (format === 'pem')
    return { certificates: parsePemBundle(text), jwtKeys: [], sequence: null, refreshHintSeconds: null };
  const { certificates, jwtKeys, sequence = null, refreshHintSeconds = null } = parseSpiffeBundle(text);
  return { certificates, jwtKeys, sequence, refreshHintSeconds };
}

export interface IgnoredKey {
  /** From 0. */
  readonly index: number;
  readonly reason: string;
}

export interface ReadBundle {
  /** DER, in the order given, each once. */
  readonly certificates: readonly Buffer[];
  readonly jwtKeys: readonly JwtKeyRecord[];
  readonly sequence: bigint | undefined;
  /** Advisory (BUN-06). */
  readonly refreshHintSeconds: number | undefined;
  /** What was left out and why, for whoever wonders. */
  readonly ignored: readonly IgnoredKey[];
}

export function parseSpiffeBundle(text: string, field = 'bundle'): ReadBundle {
  // guard: I9 test/bundle/document.test.ts
  if (text.length > LARGEST_DOCUMENT) throw refused(field, `it is larger than ${LARGEST_DOCUMENT} bytes`);
  return readSpiffeBundle(parseJsonText(text, field), field);
}

/** What the text says, once it is JSON. */
export function readSpiffeBundle(document: JsonValue, field: string): ReadBundle {
  if (!(document instanceof Map)) throw refused(field, 'it is not a JSON object');
  const keys: unknown = document.get('keys');
  // guard: BUN-01 test/bundle/document.test.ts
  if (!Array.isArray(keys)) throw refused(field, 'it has no `keys` array');
  const certificates = new Map<string, Buffer>();
  const jwtKeys = new Map<string, JwtKeyRecord>();
  const ignored: IgnoredKey[] = [];
  for (const [index, key] of (keys as readonly JsonValue[]).entries()) {
    const found = readKey(key, `${field} keys[${index}]`);
    if (typeof found === 'string') ignored.push({ index, reason: found });
    else if (Buffer.isBuffer(found)) certificates.set(found.toString('base64'), found);
    // guard: JWT-13 test/bundle/jwt-keys.test.ts — which key a kid names must not depend on their order
    else if (jwtKeys.has(found.kid)) throw refused(`${field} keys[${index}].kid`, 'another JWT key has it too');
    else jwtKeys.set(found.kid, found);
  }
  return {
    certificates: [...certificates.values()],
    jwtKeys: [...jwtKeys.values()],
    sequence: readInteger(document.get('spiffe_sequence'), LARGEST_SEQUENCE, `${field} spiffe_sequence`),
    refreshHintSeconds: hintOf(document, field),
    ignored,
  };
}

function hintOf(document: ReadonlyMap<string, JsonValue>, field: string): number | undefined {
  const hint = readInteger(
    document.get('spiffe_refresh_hint'),
    BigInt(Number.MAX_SAFE_INTEGER),
    `${field} spiffe_refresh_hint`,
  );
  return hint === undefined ? undefined : Number(hint);
}

/** The certificate or JWT key, or why the key is ignored. */
function readKey(key: JsonValue, field: string): Buffer | JwtKeyRecord | string {
  if (!(key instanceof Map)) throw refused(field, 'it is not a JSON object');
  const kty: unknown = key.get('kty');
  // guard: BUN-07 test/bundle/document.test.ts
  if (typeof kty !== 'string' || !KNOWN_KTY.has(kty)) return kty === undefined ? 'no kty' : `unknown kty ${shown(kty)}`;
  const use: unknown = key.get('use');
  if (use === JWT_USE) return readJwtKeyRecord(key);
  if (use === WIT_USE) return `${WIT_USE} keys are not used here`;
  // guard: BUN-08 test/bundle/document.test.ts — case sensitive
  if (use !== X509_USE) return use === undefined ? 'no use' : `unknown use ${shown(use)}`;
  const x5c: unknown = key.get('x5c');
  // guard: X509-25 test/bundle/document.test.ts
  if (x5c === undefined || x5c === null || (Array.isArray(x5c) && x5c.length === 0)) return 'no x5c';
  // Only the first value counts (X509-26).
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined;
  return readX5c(first, `${field}.x5c[0]`);
}

/** A key without a kid can vouch for no token (JWT-05, JWT-15). */
function readJwtKeyRecord(key: ReadonlyMap<string, JsonValue>): JwtKeyRecord | string {
  const found = readJwtKey(key);
  if (typeof found === 'string') return found;
  return { kid: found.kid, publicKey: found.publicKey.export({ type: 'spki', format: 'der' }) };
}

/** Standard base64 with its padding (RFC 7517 section 4.7, X509-24). */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function readX5c(text: unknown, field: string): Buffer {
  if (typeof text !== 'string' || text === '' || !BASE64.test(text)) throw refused(field, 'it is not base64 of DER');
  const der = Buffer.from(text, 'base64');
  checkAnchor(der, field);
  return der;
}

/**
 * Refuses what could never vouch for an SVID, so that a mistake shows when it is made. What the CA calls itself is not
 * looked at: the standard's own example has a slash at the end, which its grammar forbids (AMB-06).
 */
function checkAnchor(der: Buffer, field: string): void {
  const { isCa, keyUsage } = readCertificate(der, field);
  // guard: X509-09 test/bundle/document.test.ts
  if (!isCa || keyUsage?.keyCertSign === false) throw refused(field, 'it is not the certificate of a CA');
}

function readCertificate(der: Buffer, field: string): ParsedCertificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw refused(field, `it is no certificate: ${cause instanceof Failure ? cause.message : 'unreadable'}`, cause);
  }
}

/** With 64 bits of precision (BUN-04), and only as an integer is written. */
function readInteger(value: JsonValue | undefined, largest: bigint, field: string): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  const source = value instanceof JsonNumber ? value.source : '';
  if (!/^(?:0|[1-9][0-9]*)$/.test(source) || source.length > 20 || BigInt(source) > largest)
    throw refused(field, `it is not an integer from 0 to ${largest}`);
  return BigInt(source);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? quote(value) : 'that is not a string';
}

function twoOfOneKid(): Failure {
  return new Failure('internal', 'JWKS_UNPUBLISHABLE', 'two keys of the bundle have one kid');
}

function refused(field: string, reason: string, cause?: unknown): Failure {
  return new Failure('invalid-argument', 'BUNDLE_INVALID', `${field} is refused: ${reason}`, {
    field,
    hint: 'give CA certificates in PEM, or the SPIFFE bundle document of that trust domain',
    ...(cause === undefined ? {} : { cause }),
  });
}
