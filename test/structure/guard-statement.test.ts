// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { readMarkers, withoutStatement } from '../../tools/guards/markers.ts';

/** What the tool would take out of `code` when a marker stands on the line above it. */
function removed(code: string, file = 'src/a.ts'): string {
  const text = `${file.endsWith('.ts') ? '//' : '#'} guard: A1 test/a.test.ts\n${code}`;
  const { guards, bad } = readMarkers(file, text);
  expect(bad).toEqual([]);
  expect(guards).toHaveLength(1);
  return text.slice(guards[0]?.start, guards[0]?.end);
}

const whole: readonly (readonly [name: string, statement: string, rest: string])[] = [
  ['a call', 'check(a, b);', 'next();'],
  ['a call over lines', "check(\n  a, // ; not yet\n  '}',\n);", 'next();'],
  ['an if with a return', "if (a !== b) return refuse('x;y');", 'next();'],
  ['an if with a block', 'if (a) {\n  stop();\n}', 'next();'],
  ['an if with its else', 'if (a) {\n  stop();\n} else {\n  go();\n}', 'next();'],
  ['an if and else of one line each', 'if (a) stop();\nelse go();', 'next();'],
  ['an if before a block of brackets', 'if (a) {\n  stop();\n}', '[b, c] = [c, b];'],
  ['a throw', `throw new Failure(\`at \${f({ a: "}" })};\`, { b });`, 'next();'],
  ['a regular expression with brackets', "if (/[{'/]/.test(x)) return;", 'next();'],
  ['a division', 'x = a / b;', 'y = c / d;'],
  ['an object that goes on', 'limits = { a: 1 }.b;', 'next();'],
  ['a try', 'try {\n  a();\n} catch {\n  b();\n} finally {\n  c();\n}', 'next();'],
  ['a for', 'for (let i = 0; i < 3; i += 1) {\n  a(i);\n}', 'next();'],
  ['a do', 'do {\n  a();\n} while (b);', 'next();'],
  ['a return of a function', 'return items.filter((x) => {\n  return x;\n});', '}'],
  ['a method', 'close(): void {\n  a();\n}', 'open(): void {}'],
  ['a field with a generic type', 'private readonly m: Map<string, number> = new Map();', 'open(): void {}'],
];

describe('the statement after a guard marker', () => {
  it.each(whole)('ends where it should: %s', (_name, statement, rest) => {
    expect(removed(`  ${statement}\n  ${rest}\n`)).toBe(statement);
    expect(removed(`  ${statement}\n}\n`)).toBe(statement);
  });

  it('may be one option of a list, with its comma', () => {
    expect(removed('  maxStreams: 32,\n  other: 1,\n};\n')).toBe('maxStreams: 32,');
    expect(removed('  onEnd: (a, b) => {\n    x();\n  },\n};\n')).toBe('onEnd: (a, b) => {\n    x();\n  },');
    expect(removed('  last: f(1, 2)\n};\n')).toBe('last: f(1, 2)');
  });

  it('is found past comments and a second marker', () => {
    expect(removed('// because of { this\n  /* and ; that */\n  check();\n')).toBe('check();');
  });

  it('is the next line in a shell script, continued lines included', () => {
    expect(removed('unset A \\\n  B\nexec x\n', 'bin/assay')).toBe('unset A \\\n  B');
    expect(removed('# why\n\nunset A\n', 'bin/assay')).toBe('unset A');
  });

  it('leaves the other lines where they were', () => {
    const text = '// guard: A1 test/a.test.ts\nif (a) {\n  b();\n}\nc();\n';
    const guard = readMarkers('src/a.ts', text).guards[0];
    expect(guard && withoutStatement(text, guard)).toBe('// guard: A1 test/a.test.ts\n\n\n\nc();\n');
  });
});

describe('a guard marker', () => {
  it('gives its ids, test file, line and reason', () => {
    const { guards } = readMarkers(
      'src/a.ts',
      'a();\n  // guard: A4, I1 X509-17 test/p/q.test.ts — a pid is reused\n  b();\n',
    );
    expect(guards).toMatchObject([
      { ids: ['A4', 'I1', 'X509-17'], test: 'test/p/q.test.ts', why: 'a pid is reused', file: 'src/a.ts', line: 3 },
    ]);
  });

  it.each([
    ['// guard: A4\nb();', 'names no test file'],
    ['// guard: test/a.test.ts\nb();', 'names no attack'],
    ['// guard: a-thing test/a.test.ts\nb();', 'is not an id'],
    ['b();\n// guard: A4 test/a.test.ts\n', 'no statement follows'],
  ])('that is malformed is reported: %j', (text, reason) => {
    const { guards, bad } = readMarkers('src/a.ts', text);
    expect(guards).toEqual([]);
    expect(bad[0]?.reason).toContain(reason);
  });
});
