// SPDX-License-Identifier: Apache-2.0
/**
 * Reads and checks a certificate revocation list (RFC 5280 sections 5 and 6.3): version 2, whole (no delta, no partition,
 * none that speaks for others), in strict DER, signed by the anchor whose name and key it bears. Refuses with
 * CRL_INVALID and the rule that was broken.
 */
import { Failure } from '../lib/failure.ts';
import { DerCursor, TAG } from './der.ts';
import { readDistinguishedName } from './der-name.ts';
import { readOid } from './der-oid.ts';
import { readTime } from './der-time.ts';
import { readBytesAsBits, readDefaultFalse, readUnsigned } from './der-values.ts';
import { AUTHORITY_KEY_ID, CERTIFICATE_ISSUER, CRL_NUMBER, DELTA_CRL, ISSUING_DISTRIBUTION_POINT } from './oids.ts';
import { type ParsedCertificate, parseCertificate } from './parse.ts';
import { isSignedBy, publicKeyOf, type Signed } from './signature.ts';

/** At 40 bytes each a hundred thousand serials; as much as one message of the Workload API may hold (CLI-25). */
export const CRL_MAX_BYTES = 4_194_304;
/** RFC 5280 section 5.2.3: at most 20. */
const NUMBER_MAX_BYTES = 20;
const SERIAL_MAX_BYTES = 20;
const KEY_ID_MAX_BYTES = 64;
/**
 * A delta, a partition or a list that speaks for others, an entry of another issuer. RFC 5280 wants each of them critical; one
 * that is not would be passed over, and a delta would stand in for the whole list.
 */
const NEVER_READ: ReadonlySet<string> = new Set([DELTA_CRL, ISSUING_DISTRIBUTION_POINT, CERTIFICATE_ISSUER]);

export interface ParsedCrl extends Signed {
  readonly issuerDer: Buffer;
  /** The key identifier of whoever signed it. */
  readonly aki: Buffer;
  readonly number: bigint;
  /** Milliseconds UTC. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Lower-case hex, as of `ParsedCertificate`, to the time of revocation. */
  readonly revoked: ReadonlyMap<string, number>;
}

export function parseCrl(der: Buffer): ParsedCrl {
  // guard: I9 test/x509/crl.test.ts
  if (der.length > CRL_MAX_BYTES) throw refused(`it is larger than ${CRL_MAX_BYTES} bytes`);
  try {
    return read(der);
  } catch (error) {
    if (error instanceof Failure && error.reason === 'CERTIFICATE_INVALID')
      throw refused(error.message.replace(/^certificate refused: /, ''), error);
    throw error;
  }
}

/** Throws unless it is that of this anchor. Whether it is still fresh is for the caller to say. */
export function verifyCrl(crl: ParsedCrl, anchorDer: Buffer): void {
  const anchor = parseCertificate(anchorDer);
  // guard: WAPI-39 test/x509/crl.test.ts
  if (!isNamedBy(crl, anchor)) throw refused('it does not name this authority');
  // guard: WAPI-39 test/x509/crl.test.ts — RFC 5280 section 6.3.3 (f)
  if (!anchor.isCa || anchor.keyUsage?.cRLSign !== true) throw refused('the authority may not sign revocation lists');
  // guard: WAPI-39 test/x509/crl.test.ts
  if (!isSignedBy(crl, publicKeyOf(anchor))) throw refused('its signature is not that of the authority it names');
}

/** Name and key: two authorities may have one name. */
export function isNamedBy(crl: ParsedCrl, anchor: Pick<ParsedCertificate, 'subjectDer' | 'ski'>): boolean {
  return crl.issuerDer.equals(anchor.subjectDer) && anchor.ski?.equals(crl.aki) === true;
}

function read(der: Buffer): ParsedCrl {
  const whole = new DerCursor(der);
  const parts = whole.enter(TAG.sequence, 'revocation list');
  whole.finish('revocation list');
  const signed = parts.enter(TAG.sequence, 'tbsCertList');
  const tbs = parts.element();
  const outer = readAlgorithm(parts, 'signatureAlgorithm');
  const signature = readBytesAsBits(parts, 'signatureValue');
  parts.finish('revocation list');
  // RFC 5280 section 5.1.2.1: 1 is version 2.
  if (readUnsigned(signed, 'version', 1)[0] !== 1) throw refused('only version 2 is read');
  const inner = readAlgorithm(signed, 'tbsCertList.signature');
  // guard: WAPI-39 test/x509/crl.test.ts — RFC 5280 section 5.1.1.2
  if (!inner.der.equals(outer.der)) throw refused('its two signature algorithms differ');
  const issuerDer = readDistinguishedName(signed, 'issuer');
  const thisUpdate = readTime(signed, 'thisUpdate');
  const nextUpdate = readTime(signed, 'nextUpdate');
  if (nextUpdate <= thisUpdate) throw refused('its next update is not after this one');
  const revoked = signed.upcoming === TAG.sequence ? readRevoked(signed) : new Map<string, number>();
  const extensions = readExtensions(signed.enter(0xa0, 'crlExtensions'));
  signed.finish('tbsCertList');
  const { oid: sigAlgOid, der: signatureAlgorithm } = inner;
  return { tbs, signatureAlgorithm, sigAlgOid, signature, issuerDer, thisUpdate, nextUpdate, revoked, ...extensions };
}

function readRevoked(signed: DerCursor): ReadonlyMap<string, number> {
  const entries = signed.enter(TAG.sequence, 'revokedCertificates');
  if (!entries.more) throw refused('it has an empty list where none belongs');
  const revoked = new Map<string, number>();
  while (entries.more) {
    const entry = entries.enter(TAG.sequence, 'revokedCertificate');
    const serial = readUnsigned(entry, 'userCertificate', SERIAL_MAX_BYTES).toString('hex');
    revoked.set(serial, readTime(entry, 'revocationDate'));
    if (entry.more) refuseUnread(entry.enter(TAG.sequence, 'crlEntryExtensions'));
    entry.finish('revokedCertificate');
  }
  return revoked;
}

function refuseUnread(extensions: DerCursor): void {
  while (extensions.more) {
    const { id, isCritical } = readExtension(extensions);
    // guard: WAPI-39 test/x509/crl.test.ts
    if (isCritical || NEVER_READ.has(id)) throw refused(`the extension ${id} of an entry is not read here`);
  }
}

function readExtensions(tagged: DerCursor): Pick<ParsedCrl, 'aki' | 'number'> {
  const extensions = tagged.enter(TAG.sequence, 'crlExtensions');
  tagged.finish('crlExtensions');
  let aki: Buffer | undefined;
  let number: bigint | undefined;
  const seen = new Set<string>();
  while (extensions.more) {
    const { id, isCritical, value } = readExtension(extensions);
    if (seen.has(id)) throw refused(`the extension ${id} is there twice`);
    seen.add(id);
    if (id === AUTHORITY_KEY_ID) aki = readKeyId(value);
    else if (id === CRL_NUMBER) number = readNumber(value);
    // guard: WAPI-39 test/x509/crl.test.ts
    else if (isCritical || NEVER_READ.has(id)) throw refused(`its extension ${id} is not read here`);
  }
  if (aki === undefined) throw refused('it does not say whose key signed it');
  if (number === undefined) throw refused('it has no number');
  return { aki, number };
}

function readExtension(extensions: DerCursor): { id: string; isCritical: boolean; value: DerCursor } {
  const extension = extensions.enter(TAG.sequence, 'extension');
  const id = readOid(extension, 'extension');
  const isCritical = readDefaultFalse(extension, 'critical');
  const value = extension.enter(TAG.octetString, 'extnValue');
  extension.finish('extension');
  return { id, isCritical, value };
}

function readKeyId(value: DerCursor): Buffer {
  const fields = value.enter(TAG.sequence, 'authorityKeyIdentifier');
  value.finish('authorityKeyIdentifier');
  const id = fields.expect(0x80, 'keyIdentifier').content();
  if (id.length === 0 || id.length > KEY_ID_MAX_BYTES) throw refused('its key identifier is empty or too long');
  return id;
}

function readNumber(value: DerCursor): bigint {
  const bytes = readUnsigned(value, 'cRLNumber', NUMBER_MAX_BYTES);
  value.finish('cRLNumber');
  return BigInt(`0x${bytes.toString('hex')}`);
}

/** What it may be is looked up as a whole (`signature.ts`). */
function readAlgorithm(cursor: DerCursor, what: string): { oid: string; der: Buffer } {
  const algorithm = cursor.enter(TAG.sequence, what);
  const oid = readOid(algorithm, what);
  return { oid, der: cursor.element() };
}

function refused(reason: string, cause?: unknown): Failure {
  return new Failure('invalid-argument', 'CRL_INVALID', `the revocation list is refused: ${reason}`, {
    field: 'crl',
    hint: 'it has to be a whole list of one authority of the bundle, in DER',
    cause,
  });
}
