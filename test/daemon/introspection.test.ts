// SPDX-License-Identifier: Apache-2.0
/** The listener for peers of a real daemon, asked by services with the client library. */
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { authorizeId } from '../../src/client/authorize.ts';
import { httpsAgent } from '../../src/client/https-agent.ts';
import { JwtSource } from '../../src/client/jwt-source.ts';
import { X509Source } from '../../src/client/x509-source.ts';
import { toPem } from '../../src/x509/pem.ts';
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

async function ask(path: string, token: string, by = source): Promise<{ status: number; body: string }> {
  const agent = httpsAgent(by, { authorize: authorizeId('spiffe://example.org/spire/server') });
  return askOver(agent, path, token).finally(() => agent.destroy());
}

function askOver(agent: Agent, path: string, token: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
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

it('X509-17: answers no more over an open connection once the authority of its peer has left the bundle', async () => {
  const { chain, privateKey } = source.svid();
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    rejectUnauthorized: false,
    cert: chain.map((der) => toPem('CERTIFICATE', der)).join(''),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  });
  try {
    expect((await askOver(agent, '/introspect', 'x')).status).toBe(200);
    await daemon.admin.call('PrepareAuthority');
    await daemon.admin.call('ActivateAuthority', { now: true });
    // What its authority signed before stays trusted, and so does the connection.
    expect((await askOver(agent, '/introspect', 'x')).status).toBe(200);
    const { authorities } = await daemon.admin.call('GetAuthorities');
    const old = authorities.find(({ slot }: { slot: string }) => slot === 'old');
    await daemon.admin.call('TaintAuthority', { authority_id: old?.id });
    await daemon.admin.call('RevokeAuthority', { authority_id: old?.id, force: true });
    await expect(askOver(agent, '/introspect', 'x')).rejects.toThrow();
  } finally {
    agent.destroy();
  }
});
