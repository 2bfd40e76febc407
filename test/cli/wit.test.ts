// SPDX-License-Identifier: Apache-2.0
/** `assay fetch wit` and `assay authority wit` with a daemon. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assayHere, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

const uid = process.getuid!();
let daemon: Daemon;
let without: Daemon;
beforeAll(async () => {
  [daemon, without] = await Promise.all([Daemon.start({ config: ['experimental: { wit: true }'] }), Daemon.start()]);
  for (const id of ['a', 'b'])
    await daemon.admin.createEntry({ id, spiffe_id: `spiffe://example.org/${id}`, selectors: [`unix:uid:${uid}`] });
});
afterAll(() => Promise.all([daemon.close(), without.close()]));

const fetch = (...args: string[]): Promise<CliResult> =>
  assayHere(['fetch', 'wit', '--socket', daemon.endpoint, ...args]);
const admin = (...args: string[]): Promise<CliResult> => assayHere([...args, '--admin-socket', daemon.adminSocket]);

describe('assay fetch wit', () => {
  it('prints each identity’s token and when it ends, and never a key', async () => {
    const { code, out } = await fetch();
    expect(code).toBe(0);
    expect(out).toMatch(/spiffe id +spiffe:\/\/example.org\/a\n/);
    expect(out).toMatch(/spiffe id +spiffe:\/\/example.org\/b\n/);
    expect(out).toMatch(/key +ES256\n/);
    expect(out).toMatch(/ends +\S+Z \(in (?:59m|1h)/);
    expect(out.match(/wit +eyJ[\w-]+\.[\w-]+\.[\w-]+\n/g)).toHaveLength(2);
    expect(out).not.toContain('"d"');
  });

  it('has the same as JSON, of one identity where it is named', async () => {
    const { out } = await fetch('--spiffe-id', 'spiffe://example.org/b', '-o', 'json');
    expect(JSON.parse(out)).toEqual({
      svids: [
        {
          spiffe_id: 'spiffe://example.org/b',
          hint: '',
          kid: expect.stringMatching(/^[0-9a-f]{40}$/),
          key_alg: 'ES256',
          expires_at: expect.stringMatching(/Z$/),
          wit_svid: expect.stringMatching(/^eyJ/),
        },
      ],
    });
  });

  it('WAPI-31, CLI-22: leaves token and key as files, the key for its owner alone, and none of an earlier run', async () => {
    const folder = join(daemon.folder, 'wit');
    expect((await fetch('--write', folder)).out).toMatch(/wrote +\S+\/svid\.0\.jwk\n/);
    writeFileSync(join(folder, 'svid.0.pem'), 'of another command');
    expect(readdirSync(folder).sort()).toEqual(['svid.0.jwk', 'svid.0.pem', 'svid.0.wit', 'svid.1.jwk', 'svid.1.wit']);
    expect(statSync(join(folder, 'svid.0.jwk')).mode & 0o777).toBe(0o600);
    const jwk = JSON.parse(readFileSync(join(folder, 'svid.0.jwk'), 'utf8'));
    const token = readFileSync(join(folder, 'svid.0.wit'), 'utf8').trim();
    const { cnf } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
    expect(jwk.alg).toBe('ES256');
    expect(createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' })).export({ format: 'jwk' })).toEqual({
      kty: cnf.jwk.kty,
      crv: cnf.jwk.crv,
      x: cnf.jwk.x,
      y: cnf.jwk.y,
    });
    await fetch('--write', folder, '--spiffe-id', 'spiffe://example.org/a');
    expect(readdirSync(folder).sort()).toEqual(['svid.0.jwk', 'svid.0.pem', 'svid.0.wit']);
  });

  it.each([
    ['an identity that is not granted', ['--spiffe-id', 'spiffe://example.org/c'], 1, /not granted/],
    ['what is no SPIFFE ID', ['--spiffe-id', 'x'], 1, /spiffe_id/],
    ['a timeout that is none', ['--timeout', 'x'], 2, /no duration/],
  ])('refuses %s', async (_, args, status, text) => {
    const { code, out, err } = await fetch(...args);
    expect([code, out]).toEqual([status, '']);
    expect(err).toMatch(text);
  });

  it('WAPI-02: says that the daemon has none where they are off', async () => {
    const { code, err } = await assayHere(['fetch', 'wit', '--socket', without.endpoint]);
    expect(code).toBe(1);
    expect(err).toMatch(/FetchWITSVID/);
  });
});

describe('assay authority wit', () => {
  it('shows, prepares and activates its keys', async () => {
    const shown = JSON.parse((await admin('authority', 'wit', 'show', '-o', 'json')).out);
    expect(shown.authorities).toMatchObject([{ kind: 'wit', slot: 'active', key_type: 'ec-p256', key_held: true }]);
    expect(shown.authorities[0].pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    const prepared = JSON.parse((await admin('authority', 'wit', 'prepare', '-o', 'json')).out).authority;
    expect(prepared).toMatchObject({ kind: 'wit', slot: 'prepared' });
    const early = await admin('authority', 'wit', 'activate');
    expect([early.code, early.err]).toEqual([1, expect.stringContaining('--now')]);
    const active = JSON.parse((await admin('authority', 'wit', 'activate', '--now', '-o', 'json')).out).authority;
    expect([active.id, active.slot]).toEqual([prepared.id, 'active']);
    for (const kind of ['x509', 'jwt'])
      expect(JSON.parse((await admin('authority', kind, 'show', '-o', 'json')).out).authorities).toHaveLength(1);
  });

  it('is well in health, beside the others', async () => {
    const { checks } = JSON.parse((await admin('health', '-o', 'json')).out);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'WIT keys' }));
  });

  it('WAPI-02: says how to switch them on where they are off', async () => {
    const { code, err } = await assayHere(['authority', 'wit', 'show', '--admin-socket', without.adminSocket]);
    expect(code).toBe(1);
    expect(err).toMatch(/has no wit authority/);
    expect(err).toMatch(/experimental\.wit: true/);
  });
});
