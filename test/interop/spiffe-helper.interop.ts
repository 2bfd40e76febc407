// SPDX-License-Identifier: Apache-2.0
/**
 * The helper beside spiffe-helper itself, with one configuration and one Workload API: the files hold the same. It needs the
 * program, by ASSAY_SPIFFE_HELPER (github.com/spiffe/spiffe-helper, `go build ./cmd/spiffe-helper`).
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { renderJwks } from '../../src/jwt/key.ts';
import { HelperBench, until } from '../helper/bench.ts';
import { type FakeStream, FakeWorkloadApi, wireOf } from '../support/fake-workload-api.ts';
import { newJwtKey, rawToken } from '../support/jwt-keys.ts';
import { TestCa } from '../support/test-ca.ts';

const program = process.env['ASSAY_SPIFFE_HELPER'];
const WEB = 'spiffe://example.org/web';
const DB = 'spiffe://example.org/db';
const root = TestCa.create('example.org');
const ended = TestCa.create('example.org', { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 });
const other = TestCa.create('other.org');
const middle = root.intermediate();
const jwtKey = newJwtKey('ES256', 'k1');
const rsaKey = newJwtKey('RS256', 'k2');
const anchors = [root.der, ended.der];
const svids = [
  wireOf(middle.issue(WEB), WEB, anchors),
  wireOf(root.issue(DB, { keyType: 'rsa' }), DB, anchors, 'internal'),
];
const x509 = { svids, crl: [], federated_bundles: { 'spiffe://other.org': other.der } };
const jwt = {
  bundles: {
    'spiffe://example.org': renderJwks([jwtKey, rsaKey]),
    'spiffe://other.org': renderJwks([newJwtKey('ES384', 'k3')]),
  },
};
let api: FakeWorkloadApi;
let tokens: Map<string, string>;

beforeAll(async () => {
  api = await FakeWorkloadApi.start((stream: FakeStream) => {
    if (stream.method === 'FetchX509SVID') stream.send(x509);
    if (stream.method === 'FetchJWTBundles') stream.send(jwt);
  });
  tokens = new Map();
  // The same question gets the same answer, whoever asks.
  api.onTokens = async ({ audience }) => {
    const made = async (id: string, hint: string) => {
      const name = `${id} ${audience.join(' ')}`;
      const now = Math.floor(Date.now() / 1_000);
      const payload = { sub: id, aud: audience, iat: now, exp: now + 3_600 };
      const token = tokens.get(name) ?? (await rawToken(jwtKey, { alg: 'ES256', kid: 'k1', typ: 'JWT' }, payload));
      tokens.set(name, token);
      return { spiffe_id: id, svid: token, hint };
    };
    return { svids: [await made(WEB, ''), await made(DB, 'internal')] };
  };
});

afterAll(() => api?.close());

const BASE = `cert_dir = "certs"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "svid_bundle.pem"
`;
const TOKENS = `jwt_svids = [{jwt_audience="one", jwt_svid_file_name="one.token"}, {jwt_audience="two", jwt_extra_audiences=["three"], jwt_svid_file_name="two.token"}]
jwt_bundle_file_name = "jwt_bundle.json"
`;

type Files = ReadonlyMap<string, readonly [text: string, mode: number]>;

function filesIn(folder: string): Files {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return new Map(
    names
      .sort()
      .map((name) => [name, [readFileSync(join(folder, name), 'utf8'), statSync(join(folder, name)).mode & 0o777]]),
  );
}

/** Theirs first, then ours over it in another folder: until the names are there and both say the same, or the time is over. */
async function both(config: string, names: readonly string[]): Promise<readonly [theirs: Files, ours: Files]> {
  const text = `agent_address = "${api.path}"\n${config}`;
  const theirs = new HelperBench();
  const ours = new HelperBench();
  const folders = [theirs, ours].map((bench) => join(bench.folder, 'certs'));
  for (const folder of folders) mkdirSync(folder);
  const [theirFolder = '', ourFolder = ''] = folders;
  const file = join(theirs.folder, 'helper.conf');
  writeFileSync(file, text);
  const child = spawn('/bin/sh', ['-c', 'umask 0; exec "$0" "$@"', program as string, '-config', file], {
    cwd: theirs.folder,
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    ours.start(text, { file: 'helper.conf' });
    const all = (folder: string) => () => names.every((name) => (filesIn(folder).get(name)?.[0] ?? '') !== '');
    await until(all(theirFolder), 'their files');
    await until(all(ourFolder), `our files\n${ours.log}`);
    return [filesIn(theirFolder), filesIn(ourFolder)];
  } finally {
    child.kill('SIGKILL');
    await gone;
    await theirs.close();
    await ours.close();
  }
}

const SVID = ['svid.pem', 'svid_bundle.pem', 'svid_key.pem'];
const ALL = ['jwt_bundle.json', 'one.token', ...SVID, 'two.token'];

describe('spiffe-helper and ours', () => {
  it.each([
    ['certificates alone', BASE, SVID],
    ['tokens and bundles too', BASE + TOKENS, ALL],
    ['intermediates in the bundle', `${BASE}add_intermediates_to_bundle = true`, SVID],
    ['the bundles of others', `${BASE}include_federated_domains = true`, SVID],
    ['nothing that has ended', `${BASE}omit_expired = true\ninclude_federated_domains = true`, SVID],
    ['the identity of a hint', `${BASE}${TOKENS}hint = "internal"`, ALL],
    [
      'other modes',
      `${BASE}${TOKENS}cert_file_mode = 0440\nkey_file_mode = 0400\njwt_svid_file_mode = 0640\njwt_bundle_file_mode = 0444`,
      ALL,
    ],
    ['a decimal mode', `${BASE}cert_file_mode = 444\nkey_file_mode = "0600"`, SVID],
    ['comments and a block', `# x\n${BASE}/* y */ health_checks { listener_enabled = false } // z\n`, SVID],
  ])('write the same: %s', async (_what, config, names) => {
    const [theirs, ours] = await both(config, names);
    expect([...ours.keys()]).toEqual([...names].sort());
    for (const name of names) {
      const [theirText = '', theirMode] = theirs.get(name) ?? [];
      const [ourText = '', ourMode] = ours.get(name) ?? [];
      expect([name, ourMode]).toEqual([name, theirMode]);
      if (name === 'jwt_bundle.json') expect(readable(ourText)).toEqual(readable(theirText));
      else expect(`${name}\n${ourText}`).toBe(`${name}\n${theirText}`);
    }
  });
});

/** The order of members is free, of keys as well. */
function readable(text: string): object {
  const sets = Object.entries<string>(JSON.parse(text)).map(([name, set]) => {
    const { keys } = JSON.parse(Buffer.from(set, 'base64').toString()) as { keys: { kid: string }[] };
    return [name, [...keys].sort((a, b) => (a.kid < b.kid ? -1 : 1))] as const;
  });
  return Object.fromEntries(sets);
}
