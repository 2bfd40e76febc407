// SPDX-License-Identifier: Apache-2.0
/** `assay doctor federation` against a real daemon that serves what it looks at, and one that serves nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answering, documentOf, EndpointServer, PARTNER, partnerCa, webLeaf } from '../federation/endpoints.ts';
import { assayHere } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { issuingDaemon } from '../support/issuing-daemon.ts';

const LOST = 'lost.example';
let daemon: Daemon;
let ca: string;
beforeAll(async () => {
  ({ daemon, caFile: ca } = await issuingDaemon({
    config: [
      'federation:',
      '  ca_file: ca.pem',
      `  relationships: [ { trust_domain: ${LOST}, url: "https://127.0.0.1:1/", profile: https_web } ]`,
    ],
  }));
}, 60_000);
afterAll(() => daemon?.close());

interface Seen {
  readonly name: string;
  readonly status: string;
  readonly text: string;
  readonly hint: string | null;
}

async function doctor(...args: string[]): Promise<{ readonly code: number | null; readonly of: Map<string, Seen> }> {
  const { code, out } = await assayHere([
    ...['doctor', 'federation', '--admin-socket', daemon.adminSocket, '-o', 'json'],
    ...args,
  ]);
  const { checks } = JSON.parse(out) as { checks: readonly Seen[] };
  return { code, of: new Map(checks.map((check) => [check.name, check])) };
}

/** By status. */
const named = (of: ReadonlyMap<string, Seen>, status: string): readonly string[] =>
  [...of.values()].filter((check) => check.status === status).map(({ name }) => name);

describe('assay doctor federation', () => {
  it('finds our discovery document and keys as verifiers want them, and what only some refuse', async () => {
    const { of } = await doctor('--ca-file', ca);
    expect(named(of, 'fail').filter((name) => !name.startsWith(LOST))).toEqual([]);
    expect(named(of, 'warn').filter((name) => !name.startsWith(LOST))).toEqual([
      'issuer',
      'certificate',
      'public authority',
      'discovery reachable',
      'keys reachable',
      'algorithm',
    ]);
    expect(of.get('issuer')?.text).toMatch(/names a port; refused by aws$/);
    expect(of.get('algorithm')).toMatchObject({
      text: 'tokens are signed with ES256; refused by azure',
      hint: expect.stringContaining('jwt.key_type'),
    });
    expect(of.get('our keys')?.text).toBe('all 1 of our bundle are served');
    expect(of.get('token life')?.text).toContain('5m');
  });

  it('with --verifier, what that one refuses is a failure, and what others refuse is not spoken of', async () => {
    const azure = await doctor('--ca-file', ca, '--verifier', 'azure');
    expect(azure.code).toBe(1);
    expect(named(azure.of, 'fail')).toEqual(expect.arrayContaining(['algorithm', 'public authority']));
    expect(azure.of.get('issuer')?.status).toBe('ok');
    const cluster = await doctor('--ca-file', ca, '--verifier', 'kubernetes', '--verifier', 'vault');
    expect(named(cluster.of, 'fail').filter((name) => !name.startsWith(LOST))).toEqual([]);
  });

  it('goes by the authorities of this machine unless told otherwise', async () => {
    const { code, of } = await doctor();
    expect(code).toBe(1);
    expect(of.get('certificate')).toMatchObject({ status: 'fail', text: expect.stringMatching(/UNABLE_TO_/) });
    expect(of.has('key set')).toBe(false);
  });

  it('says of each relationship whether it is reachable, by which profile, how old and with which sequence', async () => {
    const server = await EndpointServer.start(webLeaf(), documentOf([partnerCa], 7, 300));
    const admin = ['--admin-socket', daemon.adminSocket];
    const create = ['--trust-domain', PARTNER, '--url', server.url(), '--profile', 'https_web'];
    await assayHere(['federation', 'create', ...create, ...admin]);
    const before = (await doctor('--ca-file', ca)).of;
    expect([...before.values()].filter(({ name }) => name.startsWith(PARTNER)).map(({ status }) => status)).toEqual(
      Array(5).fill('ok'),
    );
    expect(before.get(`${PARTNER} sequence`)?.text).toBe('7');
    expect(before.get(`${PARTNER} keys`)?.text).toBe('1 for certificates, 0 for tokens');
    expect(before.get(`${LOST} reachable`)).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('ECONNREFUSED'),
    });
    expect(before.get(`${LOST} age`)).toMatchObject({ status: 'fail', text: expect.stringMatching(/^no bundle was/) });
    server.handler = answering(documentOf([partnerCa], 6));
    await assayHere(['federation', 'refresh', PARTNER, ...admin]);
    expect((await doctor('--ca-file', ca)).of.get(`${PARTNER} sequence`)).toMatchObject({ status: 'fail' });
    server.show(partnerCa.issue('', { uris: [], dns: ['localhost'] }));
    await assayHere(['federation', 'refresh', PARTNER, ...admin]);
    const after = (await doctor('--ca-file', ca)).of;
    expect(after.get(`${PARTNER} profile`)).toMatchObject({ status: 'fail' });
    expect(after.get(`${PARTNER} reachable`)?.status).toBe('ok');
    await assayHere(['federation', 'delete', PARTNER, ...admin]);
  });

  it('prints one line for each check, and the next step below what is wrong', async () => {
    const { code, out } = await assayHere(['doctor', 'federation', '--admin-socket', daemon.adminSocket]);
    expect(code).toBe(1);
    expect(out).toMatch(/^fail {2}certificate: .*\n {6}next: give https\.cert/m);
    expect(out).toMatch(/^ok {4}served: by this daemon$/m);
  });

  it.each([
    [['--verifier', 'azur'], /--verifier: "azur" is none that is known/],
    [['--ca-file', '/nowhere'], /--ca-file: "\/nowhere" does not exist/],
  ])('%j is wrong usage', async (args, why) => {
    const { code, err } = await assayHere(['doctor', 'federation', '--admin-socket', daemon.adminSocket, ...args]);
    expect(code).toBe(2);
    expect(err).toMatch(why);
  });
});

it('without an issuer there is nothing to look at, which is a failure only where a verifier is named', async () => {
  const bare = await Daemon.start();
  try {
    const run = (...args: string[]) => assayHere(['doctor', 'federation', '--admin-socket', bare.adminSocket, ...args]);
    expect(await run()).toMatchObject({ code: 0, out: expect.stringMatching(/^ok {4}issuer: none is set/) });
    expect(await run('--verifier', 'aws')).toMatchObject({ code: 1, out: expect.stringMatching(/^fail {2}issuer/) });
  } finally {
    await bare.close();
  }
}, 60_000);
