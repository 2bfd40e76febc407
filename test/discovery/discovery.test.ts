// SPDX-License-Identifier: Apache-2.0
/** Our discovery documents as a server gets them wrong: each mistake is one finding, and says who minds. */
import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkDiscovery, type OurDiscovery } from '../../src/discovery/discovery.ts';
import { MOST_BYTES } from '../../src/discovery/fetch.ts';
import { checkOf, type Finding } from '../../src/discovery/finding.ts';
import { discoveryDocument, oidcKeys } from '../../src/jwt/oidc.ts';
import { EndpointServer, type Handler, webCa, webLeaf } from '../federation/endpoints.ts';
import { pem, TestCa } from '../support/test-ca.ts';

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const first = { kid: 'first', publicKey: pair().publicKey };
const second = { kid: 'second', publicKey: pair().publicKey };
const keys = [first, second];
const pss = false;

type Doc = Record<string, unknown>;
interface Wrong {
  readonly document?: (document: Doc) => Doc;
  readonly set?: (keys: Doc[]) => Doc[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly body?: string;
  /** The body goes on and on. */
  readonly endless?: boolean;
  readonly ours?: Partial<OurDiscovery>;
}

let server: EndpointServer;
let issuer: string;
let ours: OurDiscovery;
beforeAll(async () => {
  server = await EndpointServer.start(webLeaf(), '');
  issuer = server.url('/id');
  ours = {
    issuer,
    keySet: oidcKeys(keys, { pss }),
    signingKid: 'first',
    tokenTtlMs: 300_000,
    refreshHintSeconds: 300,
  };
});

const serving =
  (wrong: Wrong): Handler =>
  (request, response) => {
    const isSet = request.url === '/id/keys';
    const document = JSON.parse(discoveryDocument(keys, { issuer, pss })) as Doc;
    const set = (JSON.parse(oidcKeys(keys, { pss })) as { keys: Doc[] }).keys;
    const right = isSet ? { keys: wrong.set?.(set) ?? set } : (wrong.document?.(document) ?? document);
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=75', ...wrong.headers };
    response.writeHead(wrong.status ?? 200, headers);
    if (wrong.endless === true) response.write('x'.repeat(MOST_BYTES + 1));
    else response.end(wrong.body ?? JSON.stringify(right));
  };

async function findings(wrong: Wrong, ca: TestCa = webCa): Promise<readonly Finding[]> {
  server.handler = serving(wrong);
  const context = createSecureContext({ ca: pem(ca.der) });
  const tools = { context, ownAuthorities: false, now: () => Date.now(), monotonic: () => performance.now() };
  return checkDiscovery({ ...ours, ...wrong.ours }, tools);
}

/** What nobody can tell of a server of a test: it is at a private address and a port, and its certificate ends soon. */
const OF_THE_TEST = ['issuer', 'certificate', 'discovery reachable', 'keys reachable'];
const wrongOnes = (found: readonly Finding[]): [string, Finding['refusedBy']][] =>
  found
    .filter(({ name, refusedBy }) => refusedBy.length > 0 && !OF_THE_TEST.includes(name))
    .map(({ name, refusedBy }) => [name, refusedBy]);

const without =
  (name: string) =>
  ({ [name]: _, ...rest }: Doc): Doc =>
    rest;

describe('our discovery documents', () => {
  it('as the daemon serves them are fine with everybody', async () => {
    const found = await findings({});
    expect(wrongOnes(found)).toEqual([]);
    expect(found).toHaveLength(24);
  });

  it.each<[string, Wrong, [string, Finding['refusedBy']][]]>([
    ['another issuer', { document: (d) => ({ ...d, issuer: `${issuer}/` }) }, [['discovery issuer', 'all']]],
    ['keys elsewhere', { document: (d) => ({ ...d, jwks_uri: 'https://127.0.0.1:1/keys' }) }, [['jwks_uri', 'all']]],
    ['no jwks_uri', { document: without('jwks_uri') }, [['jwks_uri', 'all']]],
    ['no response types', { document: without('response_types_supported') }, [['response_types_supported', 'all']]],
    ['no subject types', { document: without('subject_types_supported') }, [['subject_types_supported', 'all']]],
    [
      'no algorithms',
      { document: without('id_token_signing_alg_values_supported') },
      [
        ['id_token_signing_alg_values_supported', 'all'],
        ['signing key', 'all'],
      ],
    ],
    ['no claims', { document: without('claims_supported') }, [['claims_supported', ['aws']]]],
    [
      'a key without kid',
      { set: ([a = {}, b = {}]) => [a, without('kid')(b)] },
      [
        ['kid', 'all'],
        ['our keys', 'all'],
      ],
    ],
    [
      'a key without alg',
      { set: ([a = {}, b = {}]) => [without('alg')(a), b] },
      [
        ['alg', 'all'],
        ['our keys', 'all'],
      ],
    ],
    ['a key for another use', { set: ([a = {}, b = {}]) => [{ ...a, use: 'jwt-svid' }, b] }, [['use', ['azure']]]],
    ['a key with its certificate', { set: ([a = {}, b = {}]) => [{ ...a, x5c: ['AAAA'] }, b] }, [['x5c', ['gcp']]]],
    [
      'a private key',
      { set: ([a = {}, b = {}]) => [{ ...a, d: 'AAAA' }, b] },
      [
        ['key set', 'all'],
        ['our keys', 'all'],
      ],
    ],
    [
      'one kid for two keys',
      { set: ([a = {}, b = {}]) => [a, { ...b, kid: 'first' }] },
      [
        ['kid unique', 'all'],
        ['our keys', 'all'],
        ['other keys', 'all'],
      ],
    ],
    ['a key set of an hour ago', { set: ([a = {}]) => [a] }, [['our keys', 'all']]],
    [
      'no keys',
      { set: () => [] },
      [
        ['key set', 'all'],
        ['our keys', 'all'],
      ],
    ],
    [
      'a cache that keeps it for a day',
      { headers: { 'Cache-Control': 'public, max-age=86400' } },
      [['cache life', 'all']],
    ],
    ['text for JSON', { headers: { 'Content-Type': 'text/html' } }, [['discovery answer', 'all']]],
    ['another status', { status: 404 }, [['discovery answer', 'all']]],
    ['a redirect', { status: 302, headers: { Location: '/elsewhere' } }, [['discovery answer', 'all']]],
    ['no JSON', { body: '<html>' }, [['discovery document', 'all']]],
    ['a member twice', { body: '{"issuer":"a","issuer":"b"}' }, [['discovery document', 'all']]],
    ['I9: a body without end', { endless: true }, [['discovery answer', 'all']]],
    ['tokens of two days', { ours: { tokenTtlMs: 2 * 86_400_000 } }, [['token life', ['gcp']]]],
    [
      'no key that signs',
      { ours: { signingKid: '' } },
      [
        ['signing key', 'all'],
        ['algorithm', ['aws', 'gcp', 'azure']],
      ],
    ],
    ['an issuer by http', { ours: { issuer: 'http://localhost' } }, []],
  ])('with %s', async (_, wrong, expected) => {
    expect(wrongOnes(await findings(wrong))).toEqual(expected);
  });

  it('I10: print nothing of what a stranger answers as it is, nor all of it', async () => {
    const odd = `\u001b[2J${'x'.repeat(5_000)}`;
    const found = await findings({
      document: (d) => ({ ...d, issuer: odd, claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', odd] }),
      set: ([a = {}]) => [{ ...a, kid: odd }],
    });
    for (const { text } of found) {
      expect(text).not.toContain('\u001b');
      expect(text.length).toBeLessThan(500);
    }
    expect(wrongOnes(found).map(([name]) => name)).toEqual(['discovery issuer', 'our keys', 'other keys']);
  });

  it('by a certificate of nobody’s are not read', async () => {
    const found = await findings({}, TestCa.create('another'));
    expect(found.map(({ name }) => name)).toEqual(['issuer', 'token life', 'certificate']);
    expect(found[2]).toMatchObject({ refusedBy: 'all' });
  });

  it('by a certificate for another host are not read', async () => {
    const other = await EndpointServer.start(webLeaf(['example.org']), '');
    const found = await findings({ ours: { issuer: other.url('/id') } });
    expect(found.at(-1)).toMatchObject({ name: 'certificate', text: expect.stringContaining('for another host') });
  });

  it('where nobody listens are not there', async () => {
    const found = await findings({ ours: { issuer: 'https://127.0.0.1:1' } });
    expect(found.at(-1)).toMatchObject({ name: 'discovery reachable', text: expect.stringContaining('ECONNREFUSED') });
  });

  it.each([
    ['by http', 'http://id.example.org', 'all'],
    ['with a slash at its end', 'https://id.example.org/', 'all'],
    ['with a query', 'https://id.example.org/a?b=c', 'all'],
    ['with a port', 'https://id.example.org:8443', ['aws']],
    ['of 300 characters', `https://id.example.org/${'a'.repeat(300)}`, ['aws']],
    ['of 700 characters', `https://id.example.org/${'a'.repeat(700)}`, ['aws', 'azure']],
  ])('an issuer %s is a finding', async (_, text, refusedBy) => {
    const [finding] = await findings({ ours: { issuer: text } });
    expect(finding).toMatchObject({ name: 'issuer', refusedBy });
  });
});

describe('what a finding is', () => {
  const some: Finding = { name: 'n', text: 't', refusedBy: ['aws', 'gcp'], hint: 'h' };
  it.each([
    ['of all, a failure', { ...some, refusedBy: 'all' as const }, [], 'fail', 't'],
    ['of some, a warning that names them', some, [], 'warn', 't; refused by aws, gcp'],
    ['of one that is wanted, a failure', some, ['gcp' as const], 'fail', 't; refused by gcp'],
    ['of others than the one that is wanted, none', some, ['vault' as const], 'ok', 't'],
    [
      'that cannot be told from here, a warning',
      { ...some, unsure: true },
      ['gcp' as const],
      'warn',
      't; matters to gcp',
    ],
    ['of nobody, none', { ...some, refusedBy: [] }, [], 'ok', 't'],
  ])('%s', (_, finding, wanted, status, text) => {
    expect(checkOf(finding, wanted)).toMatchObject({ status, text });
  });
});
