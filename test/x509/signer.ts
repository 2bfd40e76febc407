// SPDX-License-Identifier: Apache-2.0
/** A real signer for a test: a key of ours, a CA certificate of ours. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { buildSelfSignedCa, signerOf } from '../../src/x509/ca.ts';
import { LeafTemplate } from '../../src/x509/leaf.ts';
import type { KeyType, Signer, SigningKey } from '../../src/x509/types.ts';

/** 2026-03-01T12:00:00Z, so that dates in tests can be read. */
export const NOW = Date.UTC(2026, 2, 1, 12);
export const HOUR = 3_600_000;
export const EXAMPLE = TrustDomain.parse('example.org');

/** Node's names for the digests of `SigningKey`. */
const DIGEST: Record<KeyType, string> = {
  'ec-p256': 'sha256',
  'ec-p384': 'sha384',
  'rsa-2048': 'sha256',
  'rsa-4096': 'sha256',
};

export interface TestKey extends SigningKey {
  readonly privateKey: KeyObject;
}

export function newKey(type: KeyType = 'ec-p256'): TestKey {
  const { privateKey, publicKey } = newPair(type);
  return { type, publicKey, privateKey, sign: (tbs) => sign(DIGEST[type], tbs, privateKey) };
}

export interface SignerOptions {
  readonly trustDomain?: TrustDomain;
  readonly key?: SigningKey;
  readonly notBefore?: number;
  readonly notAfter?: number;
}

export async function newSigner(options: SignerOptions = {}): Promise<Signer> {
  const { trustDomain = EXAMPLE, key = newKey(), notBefore = NOW - HOUR, notAfter = NOW + 24 * HOUR } = options;
  const certificate = await buildSelfSignedCa({ trustDomain, key, notBefore, notAfter, random: systemRandom });
  return signerOf(certificate, key);
}

export interface TemplateOptions {
  readonly id?: string;
  readonly dnsNames?: readonly string[];
  readonly keyType?: KeyType;
}

export function template(signer: Signer, options: TemplateOptions = {}): LeafTemplate {
  const { id = 'spiffe://example.org/web', dnsNames = [], keyType = 'ec-p256' } = options;
  return LeafTemplate.build({ spiffeId: SpiffeId.parse(id), dnsNames, keyType, signer });
}

export const forAnHour = { now: NOW, notAfter: NOW + HOUR, random: systemRandom };

function newPair(type: KeyType): { privateKey: KeyObject; publicKey: KeyObject } {
  if (type === 'ec-p256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (type === 'ec-p384') return generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return generateKeyPairSync('rsa', { modulusLength: type === 'rsa-2048' ? 2048 : 4096 });
}
