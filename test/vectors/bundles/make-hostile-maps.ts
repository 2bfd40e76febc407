// SPDX-License-Identifier: Apache-2.0
/**
 * Writes hostile-maps.json, the museum of bundle maps that must be refused, each with what the refusal says, and two that must
 * pass: `tools/node/run test/vectors/bundles/make-hostile-maps.ts`. Keys are new each time, so the file changes as a whole.
 */
import { writeFileSync } from 'node:fs';
import { newJwtKey } from '../../support/jwt-keys.ts';
import { TestCa } from '../../support/test-ca.ts';

const AT = { notBefore: Date.UTC(2026, 0), notAfter: Date.UTC(2036, 0) };
const ca = TestCa.create('a.example', AT);
const x5c = (der: Buffer): string => JSON.stringify({ kty: 'EC', use: 'x509-svid', x5c: [der.toString('base64')] });
const key = x5c(ca.der);
const leaf = x5c(ca.issue('spiffe://a.example/web', AT).der);
const jwk = newJwtKey('ES256', 'one').publicKey.export({ format: 'jwk' });
const jwt = (kid: string): string => JSON.stringify({ ...jwk, use: 'jwt-svid', kid });
const bundle = `{"keys":[${key}]}`;
const map = (...members: string[]): string => `{"trust_domains":{${members.join(',')}}}`;
const good = map(`"a.example":${bundle}`);
const named = (name: string): string => map(`"a.example":${bundle}`, `${JSON.stringify(name)}:${bundle}`);
const beside = (other: string): string => map(`"a.example":${bundle}`, `"b.example":${other}`);

const hostile: readonly (readonly [name: string, message: string, text: string])[] = [
  ['nothing', 'a value is missing', ''],
  ['null', 'it is not a JSON object', 'null'],
  ['a list of bundles', 'it is not a JSON object', `[${bundle}]`],
  ['a single bundle', 'it has no `trust_domains` object', bundle],
  ['an object of bundles', 'it has no `trust_domains` object', `{"a.example":${bundle}}`],
  ['another case', 'it has no `trust_domains` object', good.replace('trust_domains', 'Trust_Domains')],
  ['a dash', 'it has no `trust_domains` object', good.replace('trust_domains', 'trust-domains')],
  ['trust_domains: null', 'it has no `trust_domains` object', '{"trust_domains":null}'],
  ['trust_domains: a list', 'it has no `trust_domains` object', `{"trust_domains":[["a.example",${bundle}]]}`],
  ['trust_domains twice', 'the member "trust_domains" is there twice', `{"trust_domains":{},${good.slice(1)}`],
  ['a name twice', 'the member "a.example" is there twice', named('a.example')],
  [
    'a name twice, once in escapes',
    'the member "a.example" is there twice',
    map(`"a.example":${bundle}`, `"\\u0061.example":{"keys":[]}`),
  ],
  ['a SPIFFE ID for a name', 'trust_domains "spiffe://b.example" is refused', named('spiffe://b.example')],
  ['upper case', 'trust_domains "B.example" is refused', named('B.example')],
  ['the same name in another case', 'trust_domains "A.EXAMPLE" is refused', named('A.EXAMPLE')],
  ['a slash at the end', 'trust_domains "b.example/" is refused', named('b.example/')],
  ['a port', 'trust_domains "b.example:443" is refused', named('b.example:443')],
  ['a space', 'trust_domains " b.example" is refused', named(' b.example')],
  ['a percent escape', 'trust_domains "b%2eexample" is refused', named('b%2eexample')],
  ['a letter that looks like another', 'trust_domains "\\u0430.example" is refused', named('\u0430.example')],
  ['a NUL at the end', 'trust_domains "b.example\\u0000" is refused', named('b.example\0')],
  ['a dot at the end', 'which Go clients cannot read', named('b.example.')],
  ['no name', 'it is empty', named('')],
  ['a long name', 'it is longer than 255 bytes', named('b'.repeat(256))],
  ['a bundle that is null', 'trust_domains["b.example"] is refused: it is not a JSON object', beside('null')],
  ['a bundle in PEM', 'trust_domains["b.example"] is refused: it is not a JSON object', beside('"-----BEGIN"')],
  ['a bundle without keys', 'trust_domains["b.example"] is refused: it has no `keys` array', beside('{}')],
  ['a map in a map', 'trust_domains["b.example"] is refused: it has no `keys` array', beside(good)],
  ['keys twice in a bundle', 'the member "keys" is there twice', beside(`{"keys":[],"keys":[${key}]}`)],
  ['a leaf for a root', 'trust_domains["b.example"] keys[0].x5c[0] is refused', beside(`{"keys":[${leaf}]}`)],
  [
    'half a certificate',
    'trust_domains["b.example"] keys[0].x5c[0] is refused',
    beside(bundle.replace('"MII', '"MIIB')),
  ],
  ['two keys of one kid', 'another JWT key has it too', beside(`{"keys":[${jwt('one')},${jwt('one')}]}`)],
  ['a sequence of 65 bits', 'spiffe_sequence is refused', beside('{"keys":[],"spiffe_sequence":18446744073709551616}')],
  ['an inner hint that is none', 'spiffe_refresh_hint is refused', beside('{"keys":[],"spiffe_refresh_hint":"1"}')],
  ['something behind the map', 'something follows the value', `${good}{}`],
  ['a byte order mark', 'a value is missing', `\ufeff${good}`],
  ['a comma at the end', 'a string is missing or broken', map(`"a.example":${bundle},`)],
  ['a comment', 'a string is missing or broken', `{/* ours */${good.slice(1)}`],
  ['deep nesting', 'it is nested deeper than 32', `{"x":${'['.repeat(40)}${']'.repeat(40)},${good.slice(1)}`],
];

const museum = {
  good: [good, `{"note":"unknown members do no harm","keys":7,${good.slice(1)}`, map()],
  hostile: hostile.map(([name, message, text]) => ({ name, message, text })),
};
writeFileSync(new URL('hostile-maps.json', import.meta.url), `${JSON.stringify(museum, null, 2)}\n`);
