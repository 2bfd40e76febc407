// SPDX-License-Identifier: Apache-2.0
/** `jwt.rsa_key_type` and `jwt.rsa_audiences`. */
import { expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('rsa-tokens');
const read = (jwt: string) => inspect(dir, { yaml: `${PLACES}trust_domain: example.org\njwt: { ${jwt} }\n` });

it('there is no second authority unless it is asked for', async () => {
  const { config, problems } = await read('key_type: ec-p384');
  expect([problems, config.jwt.rsa]).toEqual([[], undefined]);
});

it('a key type makes one, also before anybody is sent to it', async () => {
  expect((await read('rsa_key_type: rsa-4096')).config.jwt.rsa).toEqual({ keyType: 'rsa-4096', audiences: [] });
});

it('and audiences are whom it signs for', async () => {
  const { config, problems, explained } = await read('rsa_key_type: rsa-2048, rsa_audiences: [a, "https://b/"]');
  expect([problems, config.jwt.rsa]).toEqual([[], { keyType: 'rsa-2048', audiences: ['a', 'https://b/'] }]);
  expect(explained).toContainEqual(expect.objectContaining({ key: 'jwt.rsa_audiences', value: 'a, https://b/' }));
});

it.each([
  [
    'JWT-14: audiences without a key type',
    'rsa_audiences: [a]',
    /jwt.rsa_audiences.* stands without jwt.rsa_key_type.* rsa-2048/,
  ],
  [
    'a key type beside an RSA one',
    'key_type: rsa-2048, rsa_key_type: rsa-2048',
    /jwt.rsa_key_type.* stands beside jwt.key_type: rsa-2048/,
  ],
  ['an EC key type', 'rsa_key_type: ec-p256', /is none of: rsa-2048, rsa-4096/],
  ['one audience that is no list', 'rsa_key_type: rsa-2048, rsa_audiences: a', /must be a list/],
  ['an audience twice', 'rsa_key_type: rsa-2048, rsa_audiences: [a, a]', /rsa_audiences\[1\].*"a" stands there twice/],
  ['a number', 'rsa_key_type: rsa-2048, rsa_audiences: [5]', /"5" is no audience/],
  ['an empty one', 'rsa_key_type: rsa-2048, rsa_audiences: [""]', /is no audience/],
  ['a long one', `rsa_key_type: rsa-2048, rsa_audiences: ["${'a'.repeat(256)}"]`, /is no audience/],
  [
    'I9: 65 of them',
    `rsa_key_type: rsa-2048, rsa_audiences: [${Array.from({ length: 65 }, (_, i) => `a${i}`).join(', ')}]`,
    /more than 64/,
  ],
])('%s is refused, with the line and a next step', async (_, jwt, why) => {
  const { problems } = await read(jwt);
  const told = problems.map(({ message, hint }) => `${message} ${hint ?? ''}`).join('\n');
  expect(told).toMatch(why);
  expect(told).toMatch(/assay\.yaml:\d+/);
  expect(problems.every(({ hint }) => hint !== undefined)).toBe(true);
});
