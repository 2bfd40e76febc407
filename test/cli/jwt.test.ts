// SPDX-License-Identifier: Apache-2.0
/** `assay fetch jwt`, `assay validate jwt` and `assay authority jwt` with a daemon. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderSpiffeBundle } from '../../src/bundle/document.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { newJwtKey, rawToken as signed } from '../support/jwt-keys.ts';
import { TestCa } from '../support/test-ca.ts';

const uid = process.getuid!();
let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
  for (const id of ['a', 'b'])
    await daemon.admin.createEntry({ id, spiffe_id: `spiffe://example.org/${id}`, selectors: [`unix:uid:${uid}`] });
});
afterAll(() => daemon.close());

const run = (args: readonly string[], input?: string): Promise<CliResult> =>
  assayHere([...args, '--socket', daemon.endpoint], input === undefined ? {} : { input });
const admin = (...args: string[]): Promise<CliResult> => assayHere([...args, '--admin-socket', daemon.adminSocket]);
const rawToken = async (): Promise<string> => (await run(['fetch', 'jwt', '--audience', 'me', '--raw'])).out.trim();

describe('assay fetch jwt', () => {
  it('prints each identity’s token, whom it is for and when it ends', async () => {
    const { code, out } = await run(['fetch', 'jwt', '--audience', 'me', '--audience', 'you']);
    expect(code).toBe(0);
    expect(out).toMatch(/spiffe id +spiffe:\/\/example.org\/a\n/);
    expect(out).toMatch(/spiffe id +spiffe:\/\/example.org\/b\n/);
    expect(out).toMatch(/audience +me, you\n/);
    expect(out).toMatch(/ends +\S+Z \(in 4m59s\)|ends +\S+Z \(in 5m/);
    expect(out.match(/token +eyJ[\w-]+\.[\w-]+\.[\w-]+\n/g)).toHaveLength(2);
  });

  it('has the same as JSON, of one identity where it is named', async () => {
    const { out } = await run([
      'fetch',
      'jwt',
      '--audience',
      'me',
      '--spiffe-id',
      'spiffe://example.org/b',
      '-o',
      'json',
    ]);
    expect(JSON.parse(out)).toEqual({
      svids: [
        {
          spiffe_id: 'spiffe://example.org/b',
          hint: '',
          audiences: ['me'],
          kid: expect.stringMatching(/^[0-9a-f]{40}$/),
          expires_at: expect.stringMatching(/Z$/),
          token: expect.stringMatching(/^eyJ/),
        },
      ],
    });
  });

  it('prints the default token alone with --raw', async () => {
    expect(await rawToken()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it.each([
    ['no audience', [], 2, /--audience: is required/],
    ['an empty one', ['--audience', ''], 1, /audience: is missing/],
    ['an identity that is not granted', ['--audience', 'a', '--spiffe-id', 'spiffe://example.org/c'], 1, /not granted/],
  ])('refuses %s', async (_, args, status, text) => {
    const { code, out, err } = await run(['fetch', 'jwt', ...args]);
    expect([code, out]).toEqual([status, '']);
    expect(err).toMatch(text);
  });
});

describe('assay validate jwt', () => {
  it('says whose token it is, from standard input or a flag', async () => {
    const token = await rawToken();
    const { code, out } = await run(['validate', 'jwt', '--audience', 'me'], `${token}\n`);
    expect(code).toBe(0);
    expect(out).toMatch(/^spiffe id +spiffe:\/\/example.org\/a\n/);
    expect(out).toMatch(/aud +\["me"\]\n/);
    const { out: json } = await run(['validate', 'jwt', '--audience', 'me', '--token', token, '-o', 'json']);
    expect(JSON.parse(json)).toMatchObject({
      spiffe_id: 'spiffe://example.org/a',
      claims: { sub: 'spiffe://example.org/a', aud: ['me'], exp: expect.any(Number) },
    });
  });

  it('B7: shows claims by whatever name, __proto__ among them, at every depth', async () => {
    const key = newJwtKey('ES256', 'theirs');
    const document = renderSpiffeBundle({
      certificates: [TestCa.create('other.example').der],
      jwtKeys: [{ kid: key.kid, publicKey: key.publicKey.export({ format: 'der', type: 'spki' }) }],
    });
    await daemon.admin.call('SetBundle', {
      trust_domain: 'other.example',
      format: 'spiffe',
      document: Buffer.from(document),
    });
    const { id } = await daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/c',
      selectors: [`unix:uid:${uid}`],
      federates_with: ['other.example'],
    });
    const exp = Math.floor(Date.now() / 1000) + 60;
    const odd = `"__proto__":{"__proto__":[{"__proto__":1}]},"constructor":"c","toString":null`;
    const payload = `{"sub":"spiffe://other.example/x","aud":"me","exp":${exp},${odd}}`;
    const token = await signed(key, { alg: 'ES256', kid: key.kid }, payload);
    const { code, out } = await run(['validate', 'jwt', '--audience', 'me', '-o', 'json'], token);
    expect(code).toBe(0);
    expect(out.replace(/\s/g, '')).toContain('"__proto__":{"__proto__":[{"__proto__":1}]}');
    expect(new Map(Object.entries(JSON.parse(out).claims))).toEqual(
      new Map(Object.entries({ ...JSON.parse(payload), aud: ['me'] })),
    );
    const text = await run(['validate', 'jwt', '--audience', 'me'], token);
    expect(text.out).toMatch(/^__proto__ +\{"__proto__":/m);
    await daemon.admin.call('DeleteEntry', { id });
  });

  it('I10: refuses a token that is not for that audience, and does not repeat it', async () => {
    const token = await rawToken();
    const { code, out, err } = await run(['validate', 'jwt', '--audience', 'you'], token);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/the token is refused/);
    expect(err).toMatch(/next: fetch a token for the audience/);
    expect(err).not.toContain(token);
  });
});

it('assay authority jwt shows, prepares and activates its keys', async () => {
  const shown = JSON.parse((await admin('authority', 'jwt', 'show', '-o', 'json')).out);
  expect(shown.authorities).toMatchObject([{ kind: 'jwt', slot: 'active', key_type: 'ec-p256', key_held: true }]);
  expect(shown.authorities[0].pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  const prepared = JSON.parse((await admin('authority', 'jwt', 'prepare', '-o', 'json')).out).authority;
  expect(prepared).toMatchObject({ kind: 'jwt', slot: 'prepared' });
  const early = await admin('authority', 'jwt', 'activate');
  expect([early.code, early.err]).toEqual([1, expect.stringContaining('--now')]);
  const active = JSON.parse((await admin('authority', 'jwt', 'activate', '--now', '-o', 'json')).out).authority;
  expect([active.id, active.slot]).toEqual([prepared.id, 'active']);
  expect(JSON.parse((await admin('authority', 'x509', 'show', '-o', 'json')).out).authorities).toHaveLength(1);
});
