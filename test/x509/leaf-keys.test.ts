// SPDX-License-Identifier: Apache-2.0
/** Every kind of key under every kind of CA, read back by node:crypto. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { KeyType } from '../../src/x509/types.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { EXAMPLE, forAnHour, NOW, newKey, newSigner, template } from './signer.ts';

describe.each<KeyType>(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'])('under a CA of %s', (caType) => {
  it.each<KeyType>(['ec-p256', 'ec-p384', 'rsa-2048'])(
    'a leaf of %s is read back and its key fits',
    async (keyType) => {
      const own = await newSigner({ key: newKey(caType) });
      const leaf = await template(own, { keyType, dnsNames: ['a.example'] }).mint(forAnHour);
      const certificate = new X509Certificate(leaf.certificateDer);
      const privateKey = createPrivateKey({ key: leaf.privateKeyPkcs8, format: 'der', type: 'pkcs8' });
      expect(certificate.checkPrivateKey(privateKey)).toBe(true);
      expect(certificate.verify(new X509Certificate(own.certificateDer).publicKey)).toBe(true);
      expect(certificate.checkIssued(new X509Certificate(own.certificateDer))).toBe(true);
      expect(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).equals(leaf.spki)).toBe(true);
      expect(verifySvidChain([leaf.certificateDer], () => [own.certificateDer], NOW).spiffeId.memberOf(EXAMPLE)).toBe(
        true,
      );
    },
  );
});

it('a leaf with an RSA key of 4096 bits is read back', async () => {
  const leaf = await template(await newSigner(), { keyType: 'rsa-4096' }).mint(forAnHour);
  expect(new X509Certificate(leaf.certificateDer).publicKey.asymmetricKeyDetails?.modulusLength).toBe(4096);
});
