// SPDX-License-Identifier: Apache-2.0
import { createSecureContext, createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listening, portOf } from '../support/tls-parties.ts';
import { ask, fixedCertificate, handshake, listen, webPair } from './bench.ts';

let ec: Awaited<ReturnType<typeof listen>>;
let rsa: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  ec = await listen();
  rsa = await listen({ certificate: fixedCertificate(webPair(['localhost'], 'rsa')) });
});
afterAll(async () => {
  await ec.listener.close();
  await rsa.listener.close();
});

describe('FED-06: TLS', () => {
  it.each([
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ] as const)('%s with %s is spoken', async (version, ciphers) => {
    const socket = await handshake(ec.port, { minVersion: version, maxVersion: version, ciphers });
    expect([socket.getProtocol(), socket.getCipher().standardName !== undefined]).toEqual([version, true]);
    socket.destroy();
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    // Level 0 lets OpenSSL speak it at all, so that it is the server that refuses.
    const offer = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(handshake(ec.port, offer)).rejects.toThrow(/protocol|version/i);
  });

  it.each([
    ['CBC', 'ECDHE-RSA-AES128-SHA256'],
    ['CBC with SHA-1', 'ECDHE-RSA-AES256-SHA'],
    ['RSA key exchange', 'AES128-GCM-SHA256'],
    ['finite-field Diffie-Hellman', 'DHE-RSA-AES128-GCM-SHA256'],
  ])('%s is refused', async (_, ciphers) => {
    const offer = { maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` } as const;
    await expect(handshake(rsa.port, offer)).rejects.toThrow(/handshake failure|no shared cipher/);
  });

  it('the same offers are taken by a server that has no such rules', async () => {
    const pair = fixedCertificate(webPair(['localhost'], 'rsa')).current()!;
    const lax = { ...pair, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    expect(() => createSecureContext(lax)).not.toThrow();
    const server = await listening(createServer(lax));
    for (const offer of [
      { ciphers: 'ECDHE-RSA-AES128-SHA256:@SECLEVEL=0' },
      { ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0' },
    ]) {
      const socket = await handshake(portOf(server), { maxVersion: 'TLSv1.2', ...offer });
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    (await handshake(portOf(server), old)).destroy();
    server.close();
  });

  it('no session is resumed', async () => {
    const options = { maxVersion: 'TLSv1.2' } as const;
    const first = await handshake(ec.port, options);
    const session = first.getSession();
    first.destroy();
    const second = await handshake(ec.port, { ...options, ...(session === undefined ? {} : { session }) });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });
});

it('FED-05: whoever has no certificate is answered', async () => {
  expect((await ask(ec.port)).status).toBe(200);
});
