// SPDX-License-Identifier: Apache-2.0
/** `assay federation` against a real daemon, in text and in JSON. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  answering,
  documentOf,
  EndpointServer,
  PARTNER,
  partnerCa,
  SERVER_ID,
  spiffeLeaf,
  webCa,
  webLeaf,
} from '../federation/endpoints.ts';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { pem, TestCa } from '../support/test-ca.ts';

const CONFIGURED = 'configured.example';
let daemon: Daemon;
beforeAll(async () => {
  daemon = new Daemon({
    config: [
      'federation:',
      '  ca_file: ca.pem',
      `  relationships: [ { trust_domain: ${CONFIGURED}, url: "https://127.0.0.1:1/", profile: https_web } ]`,
    ],
  });
  writeFileSync(join(daemon.folder, 'ca.pem'), pem(webCa.der));
  await daemon.start();
});
afterAll(() => daemon.close());

const run = (...args: string[]): Promise<CliResult> =>
  assay(['federation', ...args, '--admin-socket', daemon.adminSocket]);

/** The JSON document that a command printed. */
// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run(...args, '-o', 'json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

const create = (trustDomain: string, url: string, profile: string, ...more: string[]): string[] => [
  ...['create', '--trust-domain', trustDomain, '--url', url, '--profile', profile],
  ...more,
];

describe('assay federation', () => {
  it('creates, shows, lists, refreshes and deletes by https_web', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 18_446_744_073_709_551_615n, 600));
    const made = await json(...create(PARTNER, server.url(), 'https_web'));
    expect(made.federation).toMatchObject({
      trust_domain: PARTNER,
      profile: 'https_web',
      endpoint_spiffe_id: null,
      origin: 'admin',
      last_result: 'taken',
      failures: 0,
      bundle_sequence: '18446744073709551615',
    });
    const shown = (await run('show', PARTNER)).out;
    expect(shown).toMatch(/^sequence +18446744073709551615$/m);
    expect(shown).toMatch(/^last result +(?:taken|unchanged)$/m);
    expect(shown).toMatch(/^next poll +.* \(in (?:9m|10m)/m);
    const { federations } = await json('list');
    expect(federations.map((one: { trust_domain: string }) => one.trust_domain)).toEqual([CONFIGURED, PARTNER]);
    expect((await run('list')).out).toMatch(new RegExp(`^${PARTNER} +https_web +(?:taken|unchanged) `, 'm'));
    expect((await json('refresh', PARTNER)).federation.last_result).toBe('unchanged');
    expect((await run('delete', PARTNER)).out).toBe(`deleted ${PARTNER}, and its bundle\n`);
    expect((await run('show', PARTNER)).err).toContain('assay federation list');
  });

  it('FED-17: takes the first bundle of an https_spiffe endpoint from a file', async () => {
    const server = await EndpointServer.start(spiffeLeaf());
    const file = join(daemon.folder, 'initial.pem');
    writeFileSync(file, pem(partnerCa.der));
    const args = create(PARTNER, server.url(), 'https_spiffe', '--endpoint-spiffe-id', SERVER_ID);
    const without = await run(...args);
    expect([without.code, without.err]).toEqual([1, expect.stringContaining('assay: --bundle is missing')]);
    expect((await json(...args, '--bundle', file)).federation).toMatchObject({
      last_result: 'unchanged',
      endpoint_spiffe_id: SERVER_ID,
    });
    await run('delete', PARTNER);
  });

  it('a first fetch that fails is a warning, and the relationship stands', async () => {
    const server = await EndpointServer.start(TestCa.create('x').issue('', { uris: [], dns: ['localhost'] }));
    const { code, out, err } = await run(...create(PARTNER, server.url(), 'https_web'));
    expect([code, out]).toEqual([0, `${PARTNER}: made from ${server.url()}\n`]);
    expect(err).toMatch(/^warning: the first fetch failed.*does not prove itself/);
    const refreshed = await run('refresh', PARTNER);
    expect([refreshed.code, refreshed.err]).toEqual([1, expect.stringContaining('does not prove itself')]);
    expect((await json('show', PARTNER)).federation).toMatchObject({
      last_result: 'failed',
      failures: 2,
      last_success_at: null,
    });
    await run('delete', PARTNER);
  });

  it('FED-22: what is ignored is said', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 5));
    await run(...create(PARTNER, server.url(), 'https_web'));
    server.handler = answering(documentOf([], 4));
    const { code, err } = await run('refresh', PARTNER);
    expect([code, err]).toEqual([
      0,
      'warning: what was fetched is ignored: its sequence 4 is lower than 5, which is stored\n',
    ]);
    await run('delete', PARTNER);
  });

  it('FED-23: its bundle can be set by hand, and not be deleted beside it', async () => {
    const server = await EndpointServer.start(webLeaf());
    await run(...create(PARTNER, server.url(), 'https_web'));
    const next = TestCa.create(PARTNER);
    const file = join(daemon.folder, 'next.pem');
    writeFileSync(file, pem(next.der));
    const bundle = (...args: string[]) => assay(['bundle', ...args, '--admin-socket', daemon.adminSocket]);
    expect((await bundle('set', PARTNER, '--file', file)).code).toBe(0);
    expect((await bundle('show', PARTNER)).out).toBe(pem(next.der));
    expect((await bundle('delete', PARTNER)).err).toContain(`assay federation delete ${PARTNER}`);
    await run('refresh', PARTNER);
    expect((await bundle('show', PARTNER)).out).toBe(pem(partnerCa.der));
    await run('delete', PARTNER);
  });

  it.each([
    ['without --url', ['create', '--trust-domain', 'a', '--profile', 'https_web'], 2, /--url: is required/],
    ['of a trust domain twice', create(CONFIGURED, 'https://a/', 'https_web'), 1, /--trust-domain|already/],
    ['FED-02: by http', create('a.example', 'http://a/', 'https_web'), 1, /--url "http:\/\/a\/" is refused/],
    ['FED-13: by another profile', create('a.example', 'https://a/', 'web'), 1, /--profile "web" is no profile/],
    [
      'FED-13: by https_spiffe without an ID',
      create('a.example', 'https://a/', 'https_spiffe'),
      1,
      /--endpoint-spiffe-id is missing/,
    ],
    ['FED-25: with our own trust domain', create('example.org', 'https://a/', 'https_web'), 1, /it is our own/],
  ] as const)('%s is refused', async (_, args, status, why) => {
    const { code, err } = await run(...args);
    expect(code).toBe(status);
    expect(err).toMatch(why);
  });

  it('one of the configuration cannot be deleted here', async () => {
    expect((await run('delete', CONFIGURED)).err).toContain('take it out of federation.relationships');
  });

  it('doctor says which fetch failed, and why', async () => {
    const { out } = await assay(['doctor', '--admin-socket', daemon.adminSocket]);
    expect(out).toMatch(
      new RegExp(`^warn +federation ${CONFIGURED}: .*never fetched; 1 failure since, the last: .*ECONNREFUSED`, 'm'),
    );
  });
});
