// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDnsName } from '../../src/identity/dns-name.ts';
import { refusalOf } from '../support/refusal.ts';

const label63 = 'a'.repeat(63);
const name253 = [label63, label63, label63, 'a'.repeat(61)].join('.');

describe('a DNS name', () => {
  it.each([
    ['web', 'web'],
    ['web.example.org', 'web.example.org'],
    ['Web.Example.ORG', 'web.example.org'],
    ['*.example.org', '*.example.org'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.a', '1.a'],
    ['a--b.c', 'a--b.c'],
    ['constructor', 'constructor'],
    ['prototype', 'prototype'],
    [name253, name253],
  ])('X509-02: %j passes', (text, parsed) => {
    expect(parseDnsName(text)).toBe(parsed);
  });

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'a.-b',
    '_a.b',
    'a_b',
    '__proto__',
    'a b',
    'a\n',
    'a\0.b',
    'a/b',
    'a:80',
    'user@a',
    '*',
    '*.',
    'a.*',
    '*.*.a',
    'a*.b',
    '*a.b',
    `${label63}a`,
    'ａ.b',
    'a%2eb',
    'spiffe://td/a',
  ])('X509-02: %j is refused', (text) => {
    expect(refusalOf(() => parseDnsName(text, '--dns'))).toMatchObject({
      kind: 'invalid-argument',
      reason: 'DNS_NAME_INVALID',
      field: '--dns',
    });
  });

  it.each(['10.0.0.1', '127.0.0.1', '::1', 'fe80::1'])('X509-02: %j is an address and no name', (text) => {
    expect(refusalOf(() => parseDnsName(text)).message).toContain('IP address');
  });

  it('I9: 254 characters are refused for their length', () => {
    expect(refusalOf(() => parseDnsName(`${name253}a`)).message).toContain('longer than 253');
  });

  it('says how to write an international name', () => {
    expect(refusalOf(() => parseDnsName('bücher.example')).hint).toBe('write xn--bcher-kva.example');
    expect(refusalOf(() => parseDnsName('a_b')).hint).toContain('web.example.org');
  });

  it('refuses what is not text', () => {
    for (const value of [undefined, null, 1, {}, ['a']]) expect(() => parseDnsName(value)).toThrow('not text');
  });

  it('gives a name that parses to itself, or refuses, for any text', () => {
    const near = fc.string({ unit: fc.constantFrom(...'aB0-.*_'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        try {
          const name = parseDnsName(text);
          expect(parseDnsName(name)).toBe(name);
          expect(name).toMatch(/^[a-z0-9.*-]+$/);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'DNS_NAME_INVALID' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
