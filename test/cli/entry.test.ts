// SPDX-License-Identifier: Apache-2.0
/** `assay entry`: against a real daemon, in text and in JSON. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

const uid = process.getuid!();
const run = (...args: string[]): Promise<CliResult> => assay([...args, '--admin-socket', daemon.adminSocket]);

/** The JSON document that a command printed. */
// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run(...args, '-o', 'json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

/** Of a job, which is given a year at most; as written, and as it comes back. */
const end = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 200 * 86_400_000);
const endInBerlin = new Date(end.getTime() + 3_600_000).toISOString().replace('.000Z', '+01:00');

const create = (path: string, ...more: string[]): string[] => [
  ...['entry', 'create', '--spiffe-id', `spiffe://example.org${path}`],
  ...(more.includes('--selector') ? [] : ['--selector', `unix:uid:${4_000_000 + Math.floor(Math.random() * 1e6)}`]),
  ...more,
];

describe('assay entry', () => {
  it('create takes every flag, and show gives it back', async () => {
    const { entry, identity, warnings } = await json(
      ...create(
        '/full',
        '--entry-id',
        'full',
        '--x509-ttl',
        '1h',
        '--jwt-ttl',
        '5m',
        '--dns',
        'a.example.org',
        '--dns',
        'b.example.org',
      ),
      ...['--hint', 'h', '--expires', '90d', '--kind', 'job', '--owner', 'team', '--purpose', 'tests', '--env', 'ci'],
      ...['--identity-expires', endInBerlin, '--label', 'k=v=w', '--label', '__proto__=x'],
    );
    expect(entry).toMatchObject({
      id: 'full',
      spiffe_id: 'spiffe://example.org/full',
      x509_ttl_seconds: 3_600,
      effective_x509_ttl_seconds: 3_600,
      effective_x509_ttl_from: 'entry',
      jwt_ttl_seconds: 300,
      dns_names: ['a.example.org', 'b.example.org'],
      federates_with: [],
      hint: 'h',
      strength: 'kernel',
      claimed_accepted: false,
      created_by: `uid:${uid}`,
      revision: 1,
    });
    expect(entry.expires_at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(identity).toMatchObject({
      kind: 'job',
      owner: 'team',
      purpose: 'tests',
      environment: 'ci',
      state: 'active',
    });
    expect(identity.expires_at).toBe(end.toISOString().replace('.000Z', 'Z'));
    expect(new Map(Object.entries(identity.labels))).toEqual(
      new Map([
        ['__proto__', 'x'],
        ['k', 'v=w'],
      ]),
    );
    expect(warnings).toEqual([]);
    expect(await json('entry', 'show', 'full')).toEqual({ entry, identity });
    const { out } = await run('entry', 'show', 'full');
    expect(out).toMatch(/^spiffe id +spiffe:\/\/example\.org\/full$/m);
    expect(out).toMatch(/^expires +\d{4}-\S+Z \(in 89d23h\)$/m);
    expect(out).toMatch(/^label +k=v=w$/m);
  });

  it('list, count and delete agree', async () => {
    await json(...create('/l/a', '--entry-id', 'l-a', '--hint', 'same'));
    await json(...create('/l/b', '--entry-id', 'l-b', '--hint', 'same'));
    const { entries } = await json('entry', 'list', '--hint', 'same');
    expect(entries.map((entry: { id: string }) => entry.id)).toEqual(['l-a', 'l-b']);
    expect((await json('entry', 'list', '--hint', 'same', '--limit', '1')).entries).toHaveLength(1);
    expect((await run('entry', 'count', '--hint', 'same')).out).toBe('2\n');
    const text = await run('entry', 'list', '--hint', 'same');
    expect(text.out).toMatch(/^ID +SPIFFE ID +TTL +EXPIRES +SELECTORS\nl-a .*\nl-b .*\n$/);
    expect((await run('entry', 'delete', 'l-a')).out).toBe('deleted l-a (spiffe://example.org/l/a)\n');
    expect(await json('entry', 'delete', 'l-b')).toMatchObject({ deleted: { id: 'l-b' } });
    expect(await json('entry', 'count', '--hint', 'same')).toEqual({ count: 0 });
    expect(await json('entry', 'list', '--hint', 'same')).toEqual({ entries: [] });
    expect(await run('entry', 'list', '--hint', 'same')).toEqual({ code: 0, out: '', err: 'no entries\n' });
  });

  it('--jwt-jti is set, shown, and taken away with --no-jwt-jti', async () => {
    const { entry } = await json(...create('/jti', '--entry-id', 'jti', '--jwt-jti'));
    expect(entry).toMatchObject({ jwt_jti: true, effective_jwt_ttl_seconds: 300, effective_jwt_ttl_from: 'default' });
    const { out } = await run('entry', 'show', 'jti');
    expect(out).toMatch(/^jwt ttl +5m \(the default\)$/m);
    expect(out).toMatch(/^jwt jti +in each, which is given once$/m);
    expect((await json('entry', 'update', 'jti', '--hint', 'x')).entry.jwt_jti).toBe(true);
    expect((await json('entry', 'update', 'jti', '--no-jwt-jti')).entry.jwt_jti).toBe(false);
    expect((await json('entry', 'update', 'jti', '--jwt-jti')).entry.jwt_jti).toBe(true);
  });

  it('update changes what is named, and an empty value clears', async () => {
    await json(...create('/u', '--entry-id', 'u', '--hint', 'before', '--x509-ttl', '20m', '--dns', 'a.example.org'));
    const { entry } = await json('entry', 'update', 'u', '--x509-ttl', '30m', '--dns', '', '--expires', '1h');
    expect(entry).toMatchObject({ hint: 'before', x509_ttl_seconds: 1_800, dns_names: [], revision: 2 });
    const { entry: cleared } = await json('entry', 'update', 'u', '--x509-ttl', '', '--hint', '', '--expires', '');
    expect(cleared).toMatchObject({ hint: '', x509_ttl_seconds: null, expires_at: null, revision: 3 });
  });

  it('A1: create refuses claimed selectors alone, and says which flag accepts them', async () => {
    const args = create('/claimed', '--selector', 'unix:path:/bin/sh');
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toContain('--accept-claimed-selectors');
    const { entry } = await json(...args, '--accept-claimed-selectors');
    expect(entry).toMatchObject({ claimed_accepted: true, strength: 'claimed' });
  });

  it.each([
    [
      'a foreign ID',
      ['--spiffe-id', 'spiffe://other.org/x', '--selector', 'unix:uid:1'],
      '--spiffe-id',
      /trust domain/,
    ],
    [
      'a broken ID',
      ['--spiffe-id', 'spiffe://example.org//x', '--selector', 'unix:uid:1'],
      '--spiffe-id',
      /empty segment/,
    ],
    [
      'a reserved ID',
      ['--spiffe-id', 'spiffe://example.org/spire/x', '--selector', 'unix:uid:1'],
      '--spiffe-id',
      /spire/,
    ],
    ['a broken selector', ['--spiffe-id', 'spiffe://example.org/x', '--selector', 'unix'], '--selector', /colon/],
    ['a TTL over ca.ttl/6', [...create('/x').slice(2), '--x509-ttl', '5h'], '--x509-ttl', /sixth/],
    ['a TTL under 10s', [...create('/x').slice(2), '--x509-ttl', '9s'], '--x509-ttl', /10s/],
    ['a bad DNS name', [...create('/x').slice(2), '--dns', 'a_b'], '--dns', /label/],
    [
      'our own trust domain',
      [...create('/x').slice(2), '--federates-with', 'example.org'],
      '--federates-with',
      /our own/,
    ],
    ['a bad entry ID', [...create('/x').slice(2), '--entry-id', 'a/b'], '--entry-id', /letters/],
    ['a bad kind', [...create('/x').slice(2), '--kind', 'robot'], '--kind', /none of/],
    ['an agent without a purpose', [...create('/x').slice(2), '--kind', 'agent'], '--purpose', /needs a purpose/],
    ['a past end', [...create('/x').slice(2), '--expires', '2001-01-01T00:00:00Z'], '--expires', /past/],
    ['a hint that hides text', [...create('/x').slice(2), '--hint', 'a\u202eb'], '--hint', /direction of text/],
    ['an owner that is not visible', [...create('/x').slice(2), '--owner', '\u200b'], '--owner', /invisible/],
  ])('create with %s is refused, names the flag, and leaves nothing behind', async (_, flags, field, message) => {
    const before = await json('entry', 'count');
    const { code, out, err } = await run('entry', 'create', ...flags, '-o', 'json');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    const { error } = JSON.parse(err);
    expect(error).toMatchObject({ field, message: expect.stringMatching(message) });
    expect(await json('entry', 'count')).toEqual(before);
  });

  it('names the entry that exists already', async () => {
    await json(...create('/twice', '--entry-id', 'twice', '--selector', 'unix:uid:77'));
    const { code, err } = await run(...create('/twice', '--selector', 'unix:uid:77'));
    expect(code).toBe(1);
    expect(err).toMatch(/"twice" already gives/);
    expect(err).toContain('next: change it with: assay entry update twice');
  });

  it.each(['show', 'delete', 'update'])('%s of an entry that is not there says how to list them', async (verb) => {
    const { code, err } = await run('entry', verb, 'nobody', ...(verb === 'update' ? ['--hint', 'x'] : []));
    expect(code).toBe(1);
    expect(err).toContain('there is no entry "nobody"');
    expect(err).toContain('assay entry list');
  });
});
