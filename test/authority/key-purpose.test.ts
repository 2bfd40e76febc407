// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { purposeOf } from '../../src/authority/key-manager.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { systemRandom } from '../../src/lib/random.ts';

it('B8: a key signs one kind of thing: a key for tokens signs no certificate', async () => {
  const keys = memoryKeyManager({ random: systemRandom });
  const forTokens = await keys.generate('jwt', 'ec-p256');
  expect([forTokens.purpose, forTokens.ref.slice(0, 4)]).toEqual(['jwt', 'jwt-']);
  expect(() => forTokens.sign(Buffer.from('a certificate'))).toThrow(
    expect.objectContaining({ reason: 'KEY_PURPOSE' }),
  );
  const forCertificates = await keys.generate('x509', 'ec-p256');
  expect((await forCertificates.sign(Buffer.from('a certificate'))).length).toBeGreaterThan(60);
});

it('B8: a key for certificates signs no token', async () => {
  const keys = memoryKeyManager({ random: systemRandom });
  const forCertificates = await keys.generate('x509', 'ec-p256');
  const signing = () => forCertificates.signJws('ES256', Buffer.from('a token'));
  expect(signing).toThrow(expect.objectContaining({ reason: 'KEY_PURPOSE' }));
});

it('B8: WIT-18: a key for one kind of token signs none of the other kind', async () => {
  const keys = memoryKeyManager({ random: systemRandom });
  const [jwt, wit] = [await keys.generate('jwt', 'ec-p256'), await keys.generate('wit', 'ec-p256')];
  const input = Buffer.from('a token');
  const refused = expect.objectContaining({ reason: 'KEY_PURPOSE' });
  expect([wit.purpose, wit.ref.slice(0, 4)]).toEqual(['wit', 'wit-']);
  expect(() => wit.signJws('ES256', input)).toThrow(refused);
  expect(() => wit.sign(input)).toThrow(refused);
  expect(() => jwt.signJws('ES256', input, 'wit')).toThrow(refused);
  expect((await wit.signJws('ES256', input, 'wit')).length).toBe(64);
});

it('B8: a key of the second JWT authority is told from those of the first by its name', async () => {
  const key = await memoryKeyManager({ random: systemRandom }).generate('jwt-rsa', 'rsa-2048');
  const refused = expect.objectContaining({ reason: 'KEY_PURPOSE' });
  expect([key.purpose, purposeOf(key.ref)]).toEqual(['jwt-rsa', 'jwt-rsa']);
  expect(() => key.sign(Buffer.from('a certificate'))).toThrow(refused);
  expect(() => key.signJws('RS256', Buffer.from('a token'))).toThrow(refused);
  expect((await key.signJws('RS256', Buffer.from('a token'), 'jwt-rsa')).length).toBe(256);
});
