// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('federation-config');
const read = (...lines: string[]) =>
  inspect(dir, { yaml: `${PLACES}trust_domain: example.org\n${lines.join('\n')}\n` });
const relationships = (...items: string[]) =>
  read('federation:', '  relationships:', ...items.map((item) => `    - { ${item} }`));

const WEB = 'trust_domain: a.example, url: "https://a.example/", profile: https_web';

describe('federation.relationships', () => {
  it('FED-14: by https_web have three parts', async () => {
    const { config, problems, explained } = await relationships(WEB);
    expect(problems).toEqual([]);
    const [one] = config.federation.relationships;
    expect([`${one?.relationship.url}`, one?.relationship.endpoint, one?.bundleFile]).toEqual([
      'https://a.example/',
      { profile: 'https_web' },
      undefined,
    ]);
    expect(explained).toContainEqual(
      expect.objectContaining({ key: 'federation.relationships', value: 'a.example from https://a.example/' }),
    );
  });

  it('FED-17: by https_spiffe have an ID, and a bundle file beside the configuration', async () => {
    const spiffe = 'trust_domain: a.example, url: "https://a.example/", profile: https_spiffe';
    const { config, problems } = await relationships(
      `${spiffe}, endpoint_spiffe_id: "spiffe://a.example/x", bundle_file: a.json`,
    );
    expect(problems).toEqual([]);
    expect(config.federation.relationships[0]?.bundleFile).toBe(`${dir}/a.json`);
  });

  it.each([
    ['FED-13: without a trust domain', ['url: "https://a/", profile: https_web'], /trust_domain.* is missing/],
    ['FED-13: without a url', ['trust_domain: a, profile: https_web'], /url.* is missing/],
    ['FED-13: without a profile', ['trust_domain: a, url: "https://a/"'], /profile.* is missing/],
    ['FED-02: by http', ['trust_domain: a, url: "http://a/", profile: https_web'], /does not begin with https/],
    ['FED-02: with a user', ['trust_domain: a, url: "https://u:p@a/", profile: https_web'], /a user or a password/],
    ['FED-25: with our own trust domain', [WEB.replace('a.example,', 'example.org,')], /our own trust domain/],
    ['FED-13: twice with one trust domain', [WEB, WEB], /named twice/],
    ['with a key that means nothing', [`${WEB}, endpoint_spiffe: x`], /did you mean endpoint_spiffe_id/],
    ['with a number for a url', ['trust_domain: a, url: 5, profile: https_web'], /is no text/],
  ])('%s are refused, with the line', async (_, items, why) => {
    const { problems } = await relationships(...items);
    const told = problems.map(({ message, hint }) => `${message} ${hint ?? ''}`).join('\n');
    expect(told).toMatch(why);
    expect(told).toMatch(/assay\.yaml:\d+/);
    expect(told).not.toContain('u:p');
  });
});

describe('https and federation.bundle_endpoint', () => {
  it('FED-01: by https_web the files of https are shown, beside the configuration', async () => {
    const { config, problems } = await read(
      'https: { listen: "[::1]:8443", cert: c.pem, key: /k.pem }',
      'federation: { bundle_endpoint: { profile: https_web, path: /b.json } }',
    );
    expect(problems).toEqual([]);
    expect(config.https).toEqual({
      listen: { host: '::1', port: 8443 },
      files: { cert: `${dir}/c.pem`, key: '/k.pem' },
    });
    expect(config.federation.bundleEndpoint).toEqual({ profile: 'https_web', path: '/b.json', spiffeId: undefined });
  });

  it.each([
    [
      'FED-08: https_spiffe with files',
      ['https: { listen: "[::1]:1", cert: c, key: k }', 'federation: { bundle_endpoint: { profile: https_spiffe } }'],
      /is not shown/,
    ],
    [
      'https_web without files',
      ['https: { listen: "[::1]:1" }', 'federation: { bundle_endpoint: { profile: https_web } }'],
      /needs a certificate/,
    ],
    [
      'an ID with https_web',
      [
        'https: { listen: "[::1]:1", cert: c, key: k }',
        'federation: { bundle_endpoint: { profile: https_web, spiffe_id: "spiffe://example.org/x" } }',
      ],
      /means nothing/,
    ],
    [
      'FED-08: an ID of another trust domain',
      [
        'https: { listen: "[::1]:1" }',
        'federation: { bundle_endpoint: { profile: https_spiffe, spiffe_id: "spiffe://other/x" } }',
      ],
      /outside the trust domain/,
    ],
    [
      'a path with dots and more',
      ['https: { listen: "[::1]:1" }', 'federation: { bundle_endpoint: { profile: https_spiffe, path: "/a?b" } }'],
      /is no path/,
    ],
  ])('%s is refused', async (_, lines, why) => {
    const { problems } = await read(...lines);
    expect(problems.map(({ message }) => message).join('\n')).toMatch(why);
  });

  it('A13: no variable opens a port or names whom to believe', async () => {
    for (const name of ['ASSAY_HTTPS_LISTEN', 'ASSAY_FEDERATION_CA_FILE', 'ASSAY_FEDERATION_SHORTEST_REFRESH']) {
      const { problems } = await inspect(dir, { yaml: PLACES, env: new Map([[name, '127.0.0.1:1']]) });
      expect(problems.map(({ message }) => message).join()).toContain(name);
    }
  });
});
