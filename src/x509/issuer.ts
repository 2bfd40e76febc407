// SPDX-License-Identifier: Apache-2.0
/** A signer's certificate, read once and held against what the signer says of itself. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { type SignatureKind, signatureKindOf } from './algorithms.ts';
import { parseCertificate } from './parse.ts';
import type { Signer, WorkloadKeyType } from './types.ts';

export interface Issuer {
  readonly signer: Signer;
  readonly trustDomain: TrustDomain;
  readonly publicKey: KeyObject;
  readonly kind: SignatureKind;
  /** Workload key types of which one has been held against its certificate. */
  readonly keyTypesProven: Set<WorkloadKeyType>;
}

const known = new WeakMap<Signer, Issuer>();

export function issuerOf(signer: Signer): Issuer {
  const found = known.get(signer) ?? readIssuer(signer);
  known.set(signer, found);
  return found;
}

function readIssuer(signer: Signer): Issuer {
  const certificate = parseCertificate(signer.certificateDer);
  if (!certificate.subjectDer.equals(signer.subjectDer)) throw unfit('its subject differs from its certificate');
  if (!certificate.ski?.equals(signer.ski)) throw unfit('its key identifier differs from its certificate');
  // guard: I5 test/x509/leaf.test.ts — leaves are capped at this date
  if (certificate.notAfter !== signer.notAfter) throw unfit('its end differs from its certificate');
  if (!certificate.isCa || certificate.keyUsage?.keyCertSign !== true) throw unfit('its certificate is none of a CA');
  // X509-11, X509-12: the CA's own ID says for which trust domain it may sign, and has no path.
  const [uri, ...more] = certificate.uriSans;
  const id = SpiffeId.parse(uri, 'CA URI SAN');
  if (more.length > 0 || id.path !== '') throw unfit('its certificate does not name one trust domain');
  return {
    signer,
    trustDomain: id.trustDomain,
    publicKey: createPublicKey({ key: certificate.spki, format: 'der', type: 'spki' }),
    kind: signatureKindOf(signer.keyType),
    keyTypesProven: new Set(),
  };
}

function unfit(reason: string): Failure {
  return new Failure('internal', 'SIGNER_UNFIT', `the signer may not be used: ${reason}`, {
    hint: 'prepare and activate a new CA: assay ca prepare',
  });
}
