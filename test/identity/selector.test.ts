// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { kindOf, Selector, strengthOf, strongestOf } from '../../src/identity/selector.ts';
import type { Strength } from '../../src/identity/strength.ts';
import { refusalOf } from '../support/refusal.ts';

const kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>> = new Map([
  [
    'unix',
    new Map<string, Strength>([
      ['uid', 'kernel'],
      ['path', 'claimed'],
    ]),
  ],
  ['docker', new Map<string, Strength>([['label', 'authority']])],
]);

describe('a selector', () => {
  it.each([
    ['unix:uid:1000', 'unix', 'uid:1000', 'uid'],
    ['unix:path:/opt/a b/ü:c', 'unix', 'path:/opt/a b/ü:c', 'path'],
    ['docker:label:a:b:c', 'docker', 'label:a:b:c', 'label'],
    ['k8s_psat:x', 'k8s_psat', 'x', 'x'],
    ['a: ', 'a', ' ', ' '],
    ['a::', 'a', ':', ''],
  ])('%j is split at its first colon and kept as it stands', (text, type, value, kind) => {
    const selector = Selector.parse(text);
    expect([selector.type, selector.value, selector.toString(), kindOf(selector)]).toEqual([type, value, text, kind]);
    expect(selector.equals(Selector.parse(text))).toBe(true);
    expect(selector.equals(Selector.parse(`${text}x`))).toBe(false);
  });

  it.each([
    ['', 'no colon'],
    ['unix', 'no colon'],
    ['unix:', 'value is empty'],
  ])('%j is refused: %s', (text, reason) => {
    const failure = refusalOf(() => Selector.parse(text, '--selector'));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'SELECTOR_INVALID', field: '--selector' });
    expect(failure.message).toContain(reason);
  });

  it.each([':uid:1', 'Unix:uid:1', 'un ix:uid:1', 'unix-x:uid:1', 'unix\n:uid:1', 'ünix:uid:1'])(
    'A13: the type of %j is none an attestor could have',
    (text) => {
      expect(refusalOf(() => Selector.parse(text)).message).toContain('its type may hold only');
    },
  );

  it.each(['\n', '\r', '\0', '\x1b[2J', '\x7f', '\x85', '\x9b'])('A6: a value with %j is refused', (character) => {
    expect(refusalOf(() => Selector.parse(`unix:path:/a${character}b`)).message).toContain('control character');
  });

  it('A6: a value that has no UTF-8 form is refused', () => {
    expect(refusalOf(() => Selector.parse('unix:path:/\ud800')).message).toContain('well-formed');
  });

  it('I9: a value of 2048 bytes passes, of 2049 does not', () => {
    expect(Selector.parse(`unix:${'é'.repeat(1024)}`).value).toHaveLength(1024);
    expect(refusalOf(() => Selector.parse(`unix:a${'é'.repeat(1024)}`)).message).toContain('longer than 2048 bytes');
  });

  it('I10: the value, which may be a secret, is not in the error', () => {
    const failure = refusalOf(() => Selector.parse('docker:env:TOKEN=hunter2\n'));
    expect(JSON.stringify([failure.message, failure.value, failure.hint])).not.toContain('hunter2');
    const other = refusalOf(() => Selector.parse('TOKEN=hunter2'));
    expect(JSON.stringify([other.message, other.value, other.hint])).not.toContain('hunter2');
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B7: %s is a type, kind and value like any other', (name) => {
    const text = `${name === '__proto__' ? '__proto__' : name}:${name}:${name}`;
    expect(Selector.parse(text).toString()).toBe(text);
    expect(strengthOf(text, kinds)).toBeUndefined();
    expect(strengthOf(`unix:${name}:1`, kinds)).toBeUndefined();
  });

  it('refuses what is not text', () => {
    for (const value of [undefined, null, 1, {}, ['a:b']]) expect(() => Selector.parse(value)).toThrow('not text');
  });

  it('prints what it parsed, or refuses, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (type, value) => {
        const text = `${type}:${value}`;
        try {
          expect(Selector.parse(text).toString()).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'SELECTOR_INVALID' });
        }
      }),
    );
  });
});

describe('the strength of a selector', () => {
  it.each<[string, Strength | undefined]>([
    ['unix:uid:1000', 'kernel'],
    ['unix:path:/usr/bin/a:b', 'claimed'],
    ['docker:label:a:b', 'authority'],
    ['docker:uid:1000', undefined],
    ['unix:uidx:1', undefined],
    ['k8s:ns:a', undefined],
    ['unix', undefined],
    ['', undefined],
  ])('A1: %j is %s', (text, strength) => {
    expect(strengthOf(text, kinds)).toBe(strength);
  });

  it.each<[string[], Strength | undefined]>([
    [['unix:path:/a', 'unix:uid:1'], 'kernel'],
    [['unix:path:/a', 'docker:label:a:b'], 'authority'],
    [['unix:path:/a', 'k8s:ns:a'], 'claimed'],
    [['k8s:ns:a'], undefined],
    [[], undefined],
  ])('A1: of %j together is %s', (texts, strength) => {
    expect(strongestOf(texts, kinds)).toBe(strength);
  });
});
