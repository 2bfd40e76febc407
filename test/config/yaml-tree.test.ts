// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MOST_YAML_BYTES, parseYamlTree } from '../../src/config/yaml-tree.ts';
import { Failure } from '../../src/lib/failure.ts';
import { refusalOf } from '../support/refusal.ts';

describe('parseYamlTree', () => {
  it('knows the line of each key', () => {
    const tree = parseYamlTree('a: 1\nb:\n  c: [x, y]\n  d: { e: true }\n', 'f.yaml');
    const b = tree.members.get('b');
    expect(b).toMatchObject({ kind: 'map', line: 2 });
    expect(b?.kind === 'map' && b.members.get('c')).toMatchObject({ kind: 'list', line: 3 });
    expect(b?.kind === 'map' && b.members.get('d')).toMatchObject({ kind: 'map', line: 4 });
  });

  it('takes an empty file for an empty map', () => {
    for (const text of ['', '# nothing\n', '---\n', '~']) expect(parseYamlTree(text, 'f').members.size).toBe(0);
  });

  it('takes yes, no, on and dates for text, as YAML 1.2 does', () => {
    const tree = parseYamlTree('a: yes\nb: 2030-01-01\nc: 1_000\n', 'f');
    expect([...tree.members.values()].map((node) => node.kind === 'scalar' && typeof node.value)).toEqual([
      'string',
      'string',
      'string',
    ]);
  });

  it('B7: takes __proto__, constructor and prototype for keys like any other', () => {
    const tree = parseYamlTree('__proto__: 1\nconstructor: { prototype: 2 }\n', 'f');
    expect([...tree.members.keys()]).toEqual(['__proto__', 'constructor']);
    expect((tree as unknown as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });

  it.each([
    ['a key twice', 'a: 1\nb: 2\na: 3\n', /f\.yaml:3.*unique/],
    ['__proto__ twice', '__proto__: 1\n__proto__: 2\n', /f\.yaml:2/],
    ['an alias', 'a: &x 1\nb: *x\n', /aliases|anchors/],
    ['an anchor alone', 'a: &x 1\n', /anchors \(&x\)/],
    ['a merge key', 'a: &x {b: 1}\nc: {<<: *x}\n', /anchors|aliases/],
    ['a tag', 'a: !!binary aGk=\n', /tags/],
    ['a tag of its own', 'a: !js/function "x"\n', /f\.yaml:1/],
    ['two documents', 'a: 1\n---\nb: 2\n', /f\.yaml/],
    ['a list at the top', '- a\n', /must be a list of keys/],
    ['a text at the top', 'hello\n', /must be a list of keys/],
    ['a number as key', '1: a\n', /a key must be text/],
    ['a list as key', '? [a]\n: b\n', /a key must be text/],
    ['a tab as indent', 'a:\n\tb: 1\n', /f\.yaml:2/],
    ['half a flow map', 'a: {b: 1\n', /f\.yaml/],
    ['deep nesting', `${'{a: '.repeat(20)}1${'}'.repeat(20)}`, /nested deeper/],
    ['nesting beyond the parser', '['.repeat(100_000), /not readable as YAML/],
    ['a billion laughs', 'a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n', /anchors|aliases/],
  ])('refuses %s, naming the place', (_, text, message) => {
    const failure = refusalOf(() => parseYamlTree(text, 'f.yaml'));
    expect(failure.reason).toBe('CONFIG_INVALID');
    expect(failure.message).toMatch(message);
    expect(failure.hint).toBeDefined();
  });

  it('I9: refuses a file that is too large before it reads it', () => {
    const failure = refusalOf(() => parseYamlTree(`#${'x'.repeat(MOST_YAML_BYTES)}`, 'f.yaml'));
    expect(failure.message).toContain(String(MOST_YAML_BYTES));
  });

  it('gives a tree or a Failure for any text', () => {
    const piece = fc.constantFrom(
      'a: ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '\n',
      '  ',
      '&a ',
      '*a',
      '"',
      "'",
      '!!map ',
      '? ',
      '#',
      '|',
      '\u0000',
      '\ufeff',
      'x',
      ': ',
      '<<: ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          expect(parseYamlTree(pieces.join(''), 'f').kind).toBe('map');
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
