// SPDX-License-Identifier: Apache-2.0
/** The listener for peers of a real daemon, asked by services with the client library. */
import { request } from 'node:https';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { httpsAgent } from '../../src/client/https-agent.ts';
import { JwtSource } from '../../src/client/jwt-source.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { Daemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';

const ME = 'spiffe://example.org/me';
let daemon: Daemon;
let port = 0;
let source: X509Source;
beforeAll(async () => {
  port = await freePort();
  daemon = await Daemon.start({ config: [`introspection: { listen: "127.0.0.1:${port}" }`] });
  await daemon.admin.createEntry({ id: 'me', spiffe_id: ME, selectors: [`unix:uid:${process.getuid?.()}`] });
  source = await X509Source.open({ socket: daemon.endpoint });
});
afterAll(async () => {
  source?.close();
  await daemon?.close();
});

function ask(path: string, token: string, by = source): Promise<{ status: number; body: string }> {
  const agent = httpsAgent(by, { authorize: authorizeId('spiffe://example.org/spire/server') });
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => {
        agent.destroy();
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    asked.on('error', reject);
    asked.end(new URLSearchParams({ token }).toString());
  });
}

it('says of a token whether it stands, and takes it back for its own identity', async () => {
  const tokens = await JwtSource.open({ socket: daemon.endpoint });
  const token = await tokens.token({ audience: 'billing' });
  const active = JSON.parse((await ask('/introspect', token)).body);
  expect(active).toMatchObject({ active: true, sub: ME, aud: ['billing'] });
  expect((await ask('/revoke', token)).status).toBe(200);
  expect(JSON.parse((await ask('/introspect', token)).body)).toEqual({ active: false });
  expect((await ask('/introspect', '')).status).toBe(400);
  tokens.close();
});

it('I7: refuses a peer whose certificate was revoked, within two seconds', async () => {
  const stale = { serial: source.svid().serial, svid: source.svid() };
  const held = {
    ...source,
    svid: () => stale.svid,
    bundleFor: source.bundleFor.bind(source),
    isRevoked: () => false,
    opened: () => undefined,
  };
  await daemon.admin.call('RevokeSvids', { serial: stale.serial, reason: 'test' });
  const started = performance.now();
  await expect(ask('/introspect', 'x', held as unknown as X509Source)).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(2_000);
  while (source.svid().serial === stale.serial) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(JSON.parse((await ask('/introspect', 'x')).body)).toEqual({ active: false });
});
