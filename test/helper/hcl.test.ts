// SPDX-License-Identifier: Apache-2.0
/** HCL 1, read as hashicorp/hcl reads it or refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Tree } from '../../src/config/yaml-tree.ts';
import { parseHcl } from '../../src/helper/hcl.ts';
import { Failure } from '../../src/lib/failure.ts';

/** Those that are not bad are spiffe-helper's own examples and tests (Apache-2.0), as they are. */
const museum = resolve(import.meta.dirname, '../vectors/hcl');

type Plain = string | number | boolean | undefined | readonly Plain[] | { readonly [key: string]: Plain };

function plain(tree: Tree): Plain {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(plain);
    case 'map':
      return Object.fromEntries([...tree.members].map(([key, value]) => [key, plain(value)]));
  }
}

const read = (text: string): Plain => plain(parseHcl(text, 'helper.conf'));

describe('HCL', () => {
  it.each([
    ['assignments', 'a = "b"\nc = 1\nd = true', { a: 'b', c: 1, d: true }],
    ['comments', '# x\na = 1 // y\n/* z\n= */ b = 2 # w', { a: 1, b: 2 }],
    ['a block and a map', 'h { a = 1 }\ni = { b = "c", d = 2 }', { h: { a: 1 }, i: { b: 'c', d: 2 } }],
    ['lists', 'a = ["x", "y",]\nb = []\nc = [{d=1},\n{d=2}]', { a: ['x', 'y'], b: [], c: [{ d: 1 }, { d: 2 }] }],
    ['a quoted key', '"a" = 1', { a: 1 }],
    ['escapes', String.raw`a = "\"x\" \\ \t \u00e9 \x41 \101"`, { a: '"x" \\ \t é A A' }],
    ['an interpolation as it stands', `a = "\${x "y" \\n}\\n"`, { a: `\${x "y" \\n}\n` }],
    ['a heredoc', 'a = <<EOF\nx\n  y\nEOF\nb = 1', { a: 'x\n  y\n', b: 1 }],
    ['an indented heredoc', 'a = <<-EOF\n    x\n      y\n    EOF\n', { a: 'x\n  y\n' }],
    ['several on one line', 'a = 1 b = 2, c = 3', { a: 1, b: 2, c: 3 }],
    ['line ends of Windows', 'a = 1\r\nb = "c"\r\n', { a: 1, b: 'c' }],
    ['nothing', '\n# only a comment', {}],
  ])('has %s', (_what, text, value) => expect(read(text)).toEqual(value));

  it('keeps numbers as they were written, and knows lines', () => {
    const tree = parseHcl('\n\nmode = 0644', 'helper.conf').members.get('mode');
    expect(tree).toMatchObject({ kind: 'scalar', line: 3, text: '0644' });
  });

  it.each([
    ['a key twice', 'a = 1\na = 2', 'helper.conf:2', 'first on line 1'],
    ['a block twice', 'j { a = 1 }\nj { a = 2 }', 'helper.conf:2', 'first on line 1'],
    ['a bare word', 'a = yes', 'helper.conf:1', '"yes" is no value'],
    ['no value', 'a =', 'helper.conf:1', 'the end of the file is no value'],
    ['a label', 'a "b" { }', 'helper.conf:1', 'where = or { belongs'],
    ['a text without end', '\na = "b\n', 'helper.conf:2', 'does not end on its line'],
    ['an unknown escape', String.raw`a = "\q"`, 'helper.conf:1', 'an escape'],
    ['an open block', 'a {', 'helper.conf:1', 'the end of the file stands where a key belongs'],
    ['a stray brace', 'a = 1 }', 'helper.conf:1', '"}" stands where a key belongs'],
    ['no comma in a list', 'a = ["b" "c"]', 'helper.conf:1', 'a comma or ] belongs'],
    ['a colon', 'a: 1', 'helper.conf:1', '":" begins no word'],
    ['a comment without end', 'a = 1 /* x', 'helper.conf:1', '"/" begins no word'],
    ['a flag for a key', 'true = 1', 'helper.conf:1', '"true" stands where a key belongs'],
    ['a heredoc for a key', '<<E\nx\nE\n= 1', 'helper.conf:1', 'stands where a key belongs'],
    ['a heredoc without end', 'a = <<EOF\nb', 'helper.conf:1', 'does not end'],
  ])('refuses %s', (_what, text, place, reason) => {
    expect(() => read(text)).toThrow(new RegExp(`^${place}: .*${reason.replace(/[{}[\]]/g, '\\$&')}`));
  });

  it('refuses what is nested too deep, however deep', () => {
    expect(() => read(`a = ${'['.repeat(100_000)}`)).toThrow('deeper than 12');
    expect(() => read(`${'a {'.repeat(80_000)}`)).toThrow('deeper than 12');
    expect(() => read(`a = "${'x'.repeat(300_000)}"`)).toThrow('larger than');
  });

  it.each(readdirSync(museum))('of the museum, %s', (name) => {
    const text = readFileSync(join(museum, name), 'utf8');
    if (name.startsWith('bad-')) expect(() => read(text)).toThrow(Failure);
    else expect(Object.keys(read(text) as object)).toContain('cert_dir');
  });
});

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/).filter((word) => word !== 'true' && word !== 'false');
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((one) => !/\$\{/.test(one) && one.isWellFormed());
const { value } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.integer({ min: -9999, max: 9999 }),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

function write(one: Plain): string {
  if (typeof one === 'string') {
    const escaped = one
      .replace(/["\\]/g, '\\$&')
      .replace(/\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
    return `"${escaped}"`;
  }
  if (Array.isArray(one)) return `[${one.map(write).join(', ')}]`;
  if (typeof one === 'object')
    return `{ ${Object.entries(one)
      .map(([key, member]) => `${key} = ${write(member)}`)
      .join('\n')} }`;
  return String(one);
}

describe('HCL of any kind', () => {
  it('is read as what was written', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }), (object) => {
        const lines = Object.entries(object).map(([key, member]) => `${key} = ${write(member)}\n`);
        expect(read(lines.join(''))).toEqual(object);
      }),
    );
  });

  it('is read or refused with a place, whatever it is', () => {
    const bits = fc.constantFrom(
      'a',
      '=',
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      '\n',
      '#',
      '/*',
      '*/',
      '<<E\n',
      'E\n',
      '${',
      '\\',
      '1',
      '-',
      ' ',
      'true',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(bits).map((all) => all.join('')),
        ),
        (any) => {
          try {
            parseHcl(any, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(Failure);
            expect((error as Failure).message).toMatch(/^x:\d+: not readable as HCL: /);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
