// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { brokenConstraint } from '../../src/x509/name-constraints.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import { sequence, tlv } from '../support/der.ts';
import { Ca, extension, nameOf } from './pki.ts';

const URI = 0x86;
const DNS = 0x82;
const root = Ca.root();

type Names = (readonly [number, string])[];

/** Why a leaf of these names may not stand below a CA of these constraints, by way of real certificates. */
function broken(permitted: Names, excluded: Names, names: Names): string | undefined {
  const subtrees = (tag: number, list: Names): Buffer[] =>
    list.length === 0
      ? []
      : [tlv(tag, ...list.map(([kind, text]) => sequence(tlv(kind, Buffer.from(text, 'latin1')))))];
  const value = sequence(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded));
  const ca = root.below({ extra: [extension('2.5.29.30', true, value)] });
  const { nameConstraints } = parseCertificate(ca.der);
  return brokenConstraint(nameConstraints!, parseCertificate(ca.leaf('', { names })));
}

const uri = (text: string): Names => [[URI, text]];
const dns = (text: string): Names => [[DNS, text]];

describe('a constraint on URIs', () => {
  it.each([
    ['td', 'spiffe://td/a', true],
    ['td', 'spiffe://td', true],
    ['TD', 'spiffe://td/a', true],
    ['td', 'spiffe://tdx/a', false],
    ['td', 'spiffe://x.td/a', false],
    ['td', 'spiffe://x/td', false],
    ['.td', 'spiffe://x.td/a', true],
    ['.td', 'spiffe://x.y.td/a', true],
    ['.td', 'spiffe://td/a', false],
    ['.td', 'spiffe://xtd/a', false],
    ['__proto__', 'spiffe://__proto__/a', true],
    ['constructor', 'spiffe://td/a', false],
  ])('CLI-10: %s has in it %s: %p', (base, name, inside) => {
    expect(broken(uri(base), [], uri(name)) === undefined).toBe(inside);
    expect(broken([], uri(base), uri(name)) === undefined).toBe(!inside);
  });

  it('CLI-10: of which one permits and none excludes is kept', () => {
    expect(broken([...uri('a'), ...uri('b')], [], uri('spiffe://b/x'))).toBeUndefined();
    expect(broken(uri('.td'), uri('x.td'), uri('spiffe://x.td/a'))).toContain('excludes');
    expect(broken(uri('.td'), uri('x.td'), uri('spiffe://y.td/a'))).toBeUndefined();
  });

  it.each(['spiffe://10.0.0.1/a', 'urn:a:b', 'spiffe://u@td/a', 'spiffe://td:1/a', 'spiffe:///a', 'spiffe://[::1]/a'])(
    'CLI-10: is never kept by %s, which has no host name',
    (name) => {
      expect(() => broken(uri('td'), [], uri(name))).toThrow('no host name');
      expect(() => broken([], uri('elsewhere'), uri(name))).toThrow('no host name');
    },
  );

  it('says nothing of other names', () => {
    expect(broken(uri('td'), [], dns('elsewhere'))).toBeUndefined();
    expect(broken(uri('td'), uri('x'), [])).toBeUndefined();
  });
});

describe('a constraint on DNS names', () => {
  it.each([
    ['example.org', 'example.org', true],
    ['example.org', 'a.example.org', true],
    ['Example.ORG', 'a.b.example.org', true],
    ['example.org', 'badexample.org', false],
    ['.example.org', 'a.example.org', true],
    ['.example.org', 'example.org', false],
    ['example.org', '*.example.org', true],
  ])('CLI-10: %s has in it %s: %p', (base, name, inside) => {
    expect(broken(dns(base), [], dns(name)) === undefined).toBe(inside);
    expect(broken([], dns(base), dns(name)) === undefined).toBe(!inside);
  });

  it('CLI-10: excludes a wildcard that may stand for what is excluded', () => {
    expect(broken([], dns('db.example.org'), dns('*.example.org'))).toContain('excludes');
    expect(broken([], dns('db.example.com'), dns('*.example.org'))).toBeUndefined();
  });
});

describe('a constraint on other names', () => {
  it.each<[string, number, string]>([
    ['subjects', 0xa4, nameOf('a').toString('latin1')],
    ['mail addresses', 0x81, 'example.org'],
  ])('CLI-10: on %s is refused, since every certificate has them or may', (_, tag, text) => {
    expect(broken([[tag, text]], [], uri('spiffe://td/a'))).toContain('not compared here');
    expect(broken([], [[tag, text]], uri('spiffe://td/a'))).toContain('not compared here');
  });

  it('CLI-10: is refused where such a name is there, and kept where it is not', () => {
    const ip: Names = [[0x87, '\x0a\0\0\0\xff\0\0\0']];
    expect(broken(ip, [], [...uri('spiffe://td/a'), [0x87, '\x0a\0\0\x01']])).toContain('not compared here');
    expect(broken(ip, [], uri('spiffe://td/a'))).toBeUndefined();
  });
});
