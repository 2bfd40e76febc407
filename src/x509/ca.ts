// SPDX-License-Identifier: Apache-2.0
/** A trust domain's self-signed CA certificate (X509-09 to X509-12, X509-29), and the Signer made of it and its key. */
import { createPublicKey, verify } from 'node:crypto';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import { signatureKindOf } from './algorithms.ts';
import { skiOfSpki } from './key-id.ts';
import { parseCertificate } from './parse.ts';
import { caExtensions, caSubject } from './profile.ts';
import { newSerial } from './serial.ts';
import { encodeTbs, wrapSigned } from './tbs.ts';
import type { Signer, SigningKey } from './types.ts';

export { skiOf } from './key-id.ts';

export interface CaOptions {
  readonly trustDomain: TrustDomain;
  readonly key: SigningKey;
  /** Milliseconds UTC, taken to the whole second below. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly random: Random;
}

/** DER. Checked once more after signing: a root that does not verify would blind a whole trust domain. */
export async function buildSelfSignedCa(options: CaOptions): Promise<Buffer> {
  const { key, random, trustDomain } = options;
  const spki = key.publicKey.export({ type: 'spki', format: 'der' });
  const kind = signatureKindOf(key.type);
  const subject = caSubject(newSerial(random));
  const tbs = encodeTbs({
    serial: newSerial(random),
    signatureAlgorithm: kind.identifier,
    issuer: subject,
    notBefore: wholeSecond(options.notBefore),
    notAfter: wholeSecond(options.notAfter),
    subject,
    spki,
    extensions: caExtensions(SpiffeId.of(trustDomain, ''), skiOfSpki(spki)),
  });
  const der = wrapSigned(tbs, kind.identifier, await key.sign(tbs));
  checkSelfSigned(der, kind.hash);
  return der;
}

/** The signer for a CA certificate and the key it names; refuses a key of another certificate. */
export function signerOf(certificateDer: Buffer, key: SigningKey): Signer {
  const parsed = parseCertificate(certificateDer);
  const spki = key.publicKey.export({ type: 'spki', format: 'der' });
  // guard: I2 test/x509/ca.test.ts
  if (!parsed.spki.equals(spki)) throw mismatch('the CA key is not the key of the CA certificate');
  if (parsed.ski === undefined) throw mismatch('the CA certificate has no subject key identifier');
  return {
    authorityId: parsed.ski.toString('hex'),
    certificateDer,
    subjectDer: parsed.subjectDer,
    ski: parsed.ski,
    notAfter: parsed.notAfter,
    keyType: key.type,
    sign: (tbs) => key.sign(tbs),
  };
}

function checkSelfSigned(der: Buffer, hash: string): void {
  const parsed = parseCertificate(der);
  const publicKey = createPublicKey({ key: parsed.spki, format: 'der', type: 'spki' });
  // guard: I2 test/x509/ca.test.ts
  if (!verify(hash, parsed.tbs, publicKey, parsed.signature)) throw mismatch('the CA key signed something else');
}

function mismatch(reason: string): Failure {
  return new Failure('internal', 'CA_KEY_MISMATCH', reason, { hint: 'look at the key manager and its stored keys' });
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
