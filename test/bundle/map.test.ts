// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseSpiffeBundle } from '../../src/bundle/document.ts';
import { readBundleMap, renderBundleMap } from '../../src/bundle/map.ts';
import { brokenTrustDomainRule } from '../../src/identity/trust-domain.ts';
import { Failure } from '../../src/lib/failure.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';

interface Museum {
  readonly good: readonly string[];
  readonly hostile: readonly { readonly name: string; readonly message: string; readonly text: string }[];
}

const museum = JSON.parse(
  readFileSync(new URL('../vectors/bundles/hostile-maps.json', import.meta.url), 'utf8'),
) as Museum;

const [one, two] = [TestCa.create('one.example').der, TestCa.create('two.example').der];
const jwtKey = {
  kid: 'k',
  publicKey: newJwtKey('ES256', 'k').publicKey.export({ type: 'spki', format: 'der' }),
};
const ONE = { certificates: [one, two], jwtKeys: [jwtKey], sequence: 18446744073709551615n };
const TWO = { certificates: [two], jwtKeys: [], sequence: null };

describe('the museum of hostile bundle maps', () => {
  it('BUN-14: has some that are none, one of them empty', () => {
    expect(museum.good.map((text) => [...readBundleMap(text).keys()])).toEqual([['a.example'], ['a.example'], []]);
  });

  it.each(museum.hostile)('BUN-14, BUN-15, BUN-17: $name: $message', ({ message, text }) => {
    const failure = refusalOf(() => readBundleMap(text));
    expect(failure.kind).toBe('invalid-argument');
    expect(failure.message).toContain(message);
    expect(failure.hint).toBeDefined();
  });
});

describe('a bundle map that is read', () => {
  it('BUN-14: names the key that is no bare name, and what to write instead', () => {
    expect(refusalOf(() => readBundleMap('{"trust_domains":{"spiffe://a":{"keys":[]}}}'))).toMatchObject({
      reason: 'TRUST_DOMAIN_INVALID',
      field: 'trust_domains',
      value: '"spiffe://a"',
      hint: 'write the bare name, without spiffe://',
    });
  });

  it('B7: keeps __proto__ and constructor like any other name', () => {
    const text = '{"trust_domains":{"__proto__":{"keys":[]},"constructor":{"keys":[]}}}';
    expect([...readBundleMap(text).keys()]).toEqual(['__proto__', 'constructor']);
  });

  it('BUN-16: loses inner hints, and nothing else', () => {
    const text = '{"trust_domains":{"a":{"keys":[],"spiffe_sequence":7,"spiffe_refresh_hint":1}}}';
    expect(readBundleMap(text).get('a')).toEqual({
      certificates: [],
      jwtKeys: [],
      sequence: 7n,
      refreshHintSeconds: null,
    });
  });

  it('I9: is no larger than a request', () => {
    const text = `{"trust_domains":{}${' '.repeat(1024 * 1024)}}`;
    expect(refusalOf(() => readBundleMap(text)).message).toContain('larger than 1048576 bytes');
  });

  it('BUN-15: is refused with every name that is there twice, wherever it stands and however it is written', () => {
    const letter = fc.constantFrom(...'abz09-_');
    const name = fc.string({ unit: letter, minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(), (names, from, to) => {
        const again = names[from % names.length] as string;
        const escaped = `"${[...again].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
        const members = names.map((each) => `${JSON.stringify(each)}:{"keys":[]}`);
        expect([...readBundleMap(`{"trust_domains":{${members.join(',')}}}`).keys()]).toEqual(names);
        members.splice(to % (names.length + 1), 0, `${escaped}:{"keys":[]}`);
        const failure = refusalOf(() => readBundleMap(`{"trust_domains":{${members.join(',')}}}`));
        expect(failure.message).toContain(`the member "${again}" is there twice`);
      }),
    );
  });

  it('whatever it is, gives valid names or a refusal', () => {
    const member = fc.tuple(fc.oneof(fc.string(), fc.constantFrom('a', 'b.c', 'spiffe://a')), fc.json());
    const some = fc.array(fc.oneof(member, fc.tuple(fc.string(), fc.constant('{"keys":[]}'))), { maxLength: 4 });
    const text = some.map((all) => `{"trust_domains":{${all.map(([k, v]) => `${JSON.stringify(k)}:${v}`).join(',')}}}`);
    fc.assert(
      fc.property(fc.oneof(text, fc.json(), fc.string()), (given) => {
        try {
          for (const name of readBundleMap(given).keys()) expect(brokenTrustDomainRule(name)).toBeUndefined();
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a bundle map that is written', () => {
  it('comes back as it was, in the order of its names', async () => {
    const text = await renderBundleMap([
      ['two.example', TWO],
      ['__proto__', ONE],
    ]);
    const back = readBundleMap(text);
    expect([...back]).toEqual([
      ['__proto__', { ...ONE, refreshHintSeconds: null }],
      ['two.example', { ...TWO, refreshHintSeconds: null }],
    ]);
  });

  it('BUN-14: has trust_domains also when it is empty', async () => {
    expect(await renderBundleMap([])).toBe('{"trust_domains":{}}\n');
  });

  it('BUN-16: has no hint inside, whatever the bundles had; each bundle is a document of its own', async () => {
    const text = await renderBundleMap([['one.example', { ...ONE, refreshHintSeconds: 300 }]]);
    expect(text).not.toContain('spiffe_refresh_hint');
    const inner = /^\{"trust_domains":\{"one\.example":(.*)\}\}\n$/.exec(text)?.[1] ?? '';
    expect(parseSpiffeBundle(inner)).toMatchObject({ ...ONE, refreshHintSeconds: undefined, ignored: [] });
  });

  it('BUN-15: never names a trust domain twice', async () => {
    const twice = [
      ['a', ONE],
      ['a', TWO],
    ] as const;
    expect(await refusalOfAsync(() => renderBundleMap(twice))).toMatchObject({ reason: 'BUNDLE_MAP_UNPUBLISHABLE' });
  });

  it('I9: is not larger than an answer may be', async () => {
    const large = { ...TWO, certificates: Array.from({ length: 1_000 }, () => two) };
    const many = Array.from({ length: 20 }, (_, at) => [`td${at}`, large] as const);
    expect(await refusalOfAsync(() => renderBundleMap(many))).toMatchObject({
      kind: 'resource-exhausted',
      reason: 'LIMIT_REACHED',
    });
  });
});
