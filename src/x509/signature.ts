// SPDX-License-Identifier: Apache-2.0
/**
 * Certificate signatures that are worth checking. Anything else, SHA-1 and MD5 above all, is refused by name and
 * never handed to OpenSSL (CLI-10).
 */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import type { ParsedCertificate } from './parse.ts';

interface Scheme {
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly hash: string | null;
  /** RSASSA-PSS salt length; PKCS #1 v1.5 when absent. */
  readonly saltLength?: number;
}

/**
 * By AlgorithmIdentifier in hex, so that parameters are checked with the name. RSA with NULL or absent parameters
 * (RFC 4055 section 5); PSS only with one hash throughout and a salt of its length (RFC 4055 section 3.1).
 */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ['300a06082a8648ce3d040302', { keyType: 'ec', hash: 'sha256' }],
  ['300a06082a8648ce3d040303', { keyType: 'ec', hash: 'sha384' }],
  ['300a06082a8648ce3d040304', { keyType: 'ec', hash: 'sha512' }],
  ...rsa('0b', 'sha256'),
  ...rsa('0c', 'sha384'),
  ...rsa('0d', 'sha512'),
  [pss('1', '20'), { keyType: 'rsa', hash: 'sha256', saltLength: 32 }],
  [pss('2', '30'), { keyType: 'rsa', hash: 'sha384', saltLength: 48 }],
  [pss('3', '40'), { keyType: 'rsa', hash: 'sha512', saltLength: 64 }],
  ['300506032b6570', { keyType: 'ed25519', hash: null }],
]);

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
/** NIST SP 800-131A: nothing shorter is accepted for signing. */
const RSA_BITS_MIN = 2048;

/** A certificate's key, or a refusal of a kind or length not worth trusting. */
export function publicKeyOf(certificate: ParsedCertificate): KeyObject {
  const key = importKey(certificate.spki);
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (!CURVES.has(namedCurve)) throw weak(`its key is on the curve ${namedCurve ?? 'unnamed'}`);
      return key;
    case 'rsa':
      // guard: X509-16 test/x509/verify-signature.test.ts
      if (modulusLength < RSA_BITS_MIN) throw weak(`its RSA key has ${modulusLength} bits, fewer than ${RSA_BITS_MIN}`);
      return key;
    case 'ed25519':
      return key;
    default:
      throw weak(`its key is of the kind ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

/** What was signed, how, and the signature; of a certificate, or of a revocation list. */
export type Signed = Pick<ParsedCertificate, 'tbs' | 'signatureAlgorithm' | 'sigAlgOid' | 'signature'>;

/** True when `issuerKey` signed `signed`; refuses an algorithm that is not in the table. */
export function isSignedBy(signed: Signed, issuerKey: KeyObject): boolean {
  const scheme = SCHEMES.get(signed.signatureAlgorithm.toString('hex'));
  // guard: CLI-10 test/x509/verify-signature.test.ts
  if (scheme === undefined) throw weak(`it is signed with ${signed.sigAlgOid}`);
  if (scheme.keyType !== issuerKey.asymmetricKeyType) return false;
  const { hash, saltLength } = scheme;
  const padding = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return verify(hash, signed.tbs, { key: issuerKey, ...padding }, signed.signature);
}

function importKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw weak('its key cannot be read', cause);
  }
}

function weak(reason: string, cause?: unknown): Failure {
  return new Failure('permission-denied', 'X509_SVID_INVALID', `the certificate is refused: ${reason}`, {
    field: 'certificate',
    hint: 'use ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more, with SHA-256 or better',
    cause,
  });
}

/** The two spellings of `1.2.840.113549.1.1.<last>`. */
function rsa(last: string, hash: string): [string, Scheme][] {
  const scheme: Scheme = { keyType: 'rsa', hash };
  return [
    [`300d06092a864886f70d0101${last}0500`, scheme],
    [`300b06092a864886f70d0101${last}`, scheme],
  ];
}

/** RSASSA-PSS-params with SHA-2 number `last` for message and mask, parameters NULL, and a salt of that length. */
function pss(last: string, salt: string): string {
  const hash = `300d060960864801650304020${last}0500`;
  return `304106092a864886f70d01010a3034a00f${hash}a11c301a06092a864886f70d010108${hash}a2030201${salt}`;
}
