// SPDX-License-Identifier: Apache-2.0
/** `assay identity`, `svid`, `bundle`, `ca`, `clock`, `health`: against a real daemon, in text and in JSON. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toPem } from '../../src/x509/pem.ts';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { TestCa } from '../support/test-ca.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

const run = (...args: string[]): Promise<CliResult> => assay([...args, '--admin-socket', daemon.adminSocket]);

/** The JSON document that a command printed. */
// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run(...args, '-o', 'json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

const create = (path: string, ...more: string[]): string[] => [
  ...['entry', 'create', '--spiffe-id', `spiffe://example.org${path}`],
  ...(more.includes('--selector') ? [] : ['--selector', `unix:uid:${4_000_000 + Math.floor(Math.random() * 1e6)}`]),
  ...more,
];

describe('assay identity', () => {
  const id = 'spiffe://example.org/who';

  it('is listed, suspended with a reason, and resumed', async () => {
    await json(...create('/who', '--identity-expires', '10d', '--owner', 'zoe'));
    const { identity } = await json('identity', 'suspend', id, '--reason', 'moved away');
    expect(identity).toMatchObject({ state: 'suspended', state_reason: 'moved away' });
    expect((await run('identity', 'show', id)).out).toMatch(/^state +suspended since .* \(now\): moved away$/m);
    expect((await json('identity', 'list', '--state', 'suspended')).identities).toMatchObject([{ spiffe_id: id }]);
    expect((await json('identity', 'list', '--expiring')).identities).toMatchObject([{ spiffe_id: id, owner: 'zoe' }]);
    expect((await json('identity', 'list', '--expiring', '5d')).identities).toEqual([]);
    expect((await json('identity', 'resume', id, '--expires', '20d')).identity).toMatchObject({
      state: 'active',
      state_reason: null,
    });
    expect(await json('identity', 'show', id)).toMatchObject({
      identity: { state: 'active' },
      entries: [{ spiffe_id: id }],
    });
  });

  it('that is not there is refused', async () => {
    const { code, err } = await run('identity', 'show', 'spiffe://example.org/none');
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('assay identity list') });
  });
});

describe('assay bundle', () => {
  const ca = TestCa.create('partner.example');
  const pem = toPem('CERTIFICATE', ca.der);

  it('show prints ours in PEM, as a document, and as JSON', async () => {
    const { out } = await run('bundle', 'show');
    expect(out).toMatch(/^-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n$/);
    const document = JSON.parse((await run('bundle', 'show', '--format', 'spiffe')).out);
    expect(document).toMatchObject({ spiffe_sequence: 2, keys: [{ use: 'x509-svid' }, { use: 'jwt-svid' }] });
    const { bundle } = await json('bundle', 'show');
    expect(bundle).toMatchObject({
      trust_domain: 'example.org',
      sequence: 2,
      updated_at: null,
      x509_certificates: [{ pem: out }],
    });
  });

  it('set takes a file or standard input, in either form, told by its first character', async () => {
    const file = join(daemon.folder, 'partner.pem');
    writeFileSync(file, pem);
    expect((await run('bundle', 'set', 'partner.example', '--file', file)).out).toBe(
      'partner.example: 1 certificate\n',
    );
    const document = (await run('bundle', 'show', 'partner.example', '--format', 'spiffe')).out;
    const again = await assay(['bundle', 'set', 'partner.example', '--admin-socket', daemon.adminSocket], {
      input: document,
    });
    expect(again).toMatchObject({ code: 0, out: 'partner.example: 1 certificate\n' });
    expect((await run('bundle', 'show', 'partner.example')).out).toBe(pem);
    expect((await json('bundle', 'list')).bundles).toMatchObject([{ trust_domain: 'partner.example', sequence: null }]);
  });

  it('an entry may federate with it, and then it is deleted only in a mode that says what becomes of the entry', async () => {
    const { warnings } = await json(...create('/fed', '--entry-id', 'fed', '--federates-with', 'partner.example'));
    expect(warnings).toEqual([]);
    const refused = await run('bundle', 'delete', 'partner.example');
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('fed') });
    expect((await run('bundle', 'delete', 'partner.example', '--mode', 'dissociate')).out).toBe(
      'deleted partner.example\n',
    );
    expect((await json('entry', 'show', 'fed')).entry.federates_with).toEqual([]);
  });

  it('a bundle that is none is refused and kept out', async () => {
    const set = (input: string): Promise<CliResult> =>
      assay(['bundle', 'set', 'bad.example', '--admin-socket', daemon.adminSocket], { input });
    for (const input of ['hello', '{}', '{"keys":5}', pem.slice(0, 100), pem.replace(/[A-Za-z]{8}\n/, '!!!!!!!!\n')]) {
      expect(await set(input)).toMatchObject({ code: 1, out: '' });
    }
    expect((await run('bundle', 'set', 'example.org', '--file', join(daemon.folder, 'partner.pem'))).err).toContain(
      'our own',
    );
    expect((await json('bundle', 'list')).bundles).toEqual([]);
  });

  it('an empty document is taken, and says what that means', async () => {
    const empty = await assay(['bundle', 'set', 'gone.example', '--admin-socket', daemon.adminSocket], {
      input: '{"keys":[]}',
    });
    expect(empty).toMatchObject({
      code: 0,
      err: expect.stringContaining('nothing of gone.example is trusted any more'),
    });
  });
});

describe('the rest', () => {
  it('ca show and authority x509 show print the same', async () => {
    const view = await json('ca', 'show');
    expect(view).toMatchObject({ ca_ttl_seconds: 86_400, bundle_sequence: 2, refresh_hint_seconds: 300 });
    expect(view.authorities).toMatchObject([{ slot: 'active', key_type: 'ec-p256', key_held: true, old_at: null }]);
    expect(view.planned[0].what).toBe('prepare');
    expect(await json('authority', 'x509', 'show')).toEqual(view);
    expect((await run('ca', 'show')).out).toMatch(/^next +\S+Z \(in 1[12]h\d*m?\) the next authority is published$/m);
  });

  it('I6: ca prepare and activate go ahead of the schedule, activate with --now and who would break', async () => {
    expect((await json('ca', 'prepare')).authority.slot).toBe('prepared');
    const early = await run('ca', 'activate');
    expect(early).toMatchObject({ code: 1, err: expect.stringContaining('--now') });
    expect((await json('ca', 'activate', '--now')).authority.slot).toBe('active');
  });

  it('svid list is empty at first, and show wants a serial that is there', async () => {
    expect(await run('svid', 'list')).toEqual({ code: 0, out: '', err: 'no SVIDs\n' });
    expect(await run('svid', 'show', 'AB:CD')).toMatchObject({ code: 1, err: expect.stringContaining('"AB:CD"') });
  });

  it('health says how the daemon is', async () => {
    const { status, checks, trust_domain } = await json('health');
    expect({ trust_domain, known: ['green', 'yellow'].includes(status) }).toEqual({
      trust_domain: 'example.org',
      known: true,
    });
    expect(checks.length).toBeGreaterThan(2);
    expect((await run('health')).out).toMatch(/^(green|yellow): assay \S+ for example\.org, started /);
  });

  it('clock accept says when there was nothing to accept', async () => {
    expect((await run('clock', 'accept')).out).toMatch(/^the clock was not behind/);
    expect(await json('clock', 'accept')).toEqual({ was: expect.any(String), now: expect.any(String) });
  });
});
