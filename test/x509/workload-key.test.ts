// SPDX-License-Identifier: Apache-2.0
import { createECDH, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { skiOfBits, skiOfSpki } from '../../src/x509/key-id.ts';
import type { KeyType } from '../../src/x509/types.ts';
import { frameP256Key, newWorkloadKey, placeholderSpki } from '../../src/x509/workload-key.ts';

const TYPES: KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'];

describe.each(TYPES)('a workload key of %s', (type) => {
  it('CLI-02: is PKCS#8 that Node reads and writes the same, and fits its public half', async () => {
    const key = await newWorkloadKey(type);
    const privateKey = createPrivateKey({ key: key.pkcs8, format: 'der', type: 'pkcs8' });
    expect(privateKey.export({ format: 'der', type: 'pkcs8' }).equals(key.pkcs8)).toBe(true);
    expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).equals(key.spki)).toBe(true);
  });

  it('X509-29: has the key identifier of its bits', async () => {
    const key = await newWorkloadKey(type);
    expect(skiOfBits(key.bits).equals(skiOfSpki(key.spki))).toBe(true);
  });

  it('has a public half as long as its place in a template', async () => {
    const key = await newWorkloadKey(type);
    expect(placeholderSpki(type)).toHaveLength(key.spki.length);
    expect(placeholderSpki(type).subarray(0, 20).equals(key.spki.subarray(0, 20))).toBe(true);
  });
});

it('CLI-02: a scalar with leading zeros is padded to the length of the field', () => {
  const scalar = Buffer.from('c0ffee', 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  const key = frameP256Key(scalar, ecdh.getPublicKey());
  const privateKey = createPrivateKey({ key: key.pkcs8, format: 'der', type: 'pkcs8' });
  expect(Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url').toString('hex')).toBe(
    'c0ffee'.padStart(64, '0'),
  );
  expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).equals(key.spki)).toBe(true);
});

it('X509-31: the bytes it was framed from are wiped', () => {
  const scalar = Buffer.alloc(32, 7);
  frameP256Key(
    scalar,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }).subarray(-65),
  );
  expect(scalar.equals(Buffer.alloc(32))).toBe(true);
});

it('X509-31: RSA keys are made off the loop', async () => {
  const making = newWorkloadKey('rsa-2048');
  expect(making).toBeInstanceOf(Promise);
  const turn = new Promise<string>((done) => setImmediate(done, 'the loop turned'));
  expect(await Promise.race([making, turn])).toBe('the loop turned');
  await making;
});
