// SPDX-License-Identifier: Apache-2.0
/** What every file of the project carries, whoever wrote it. */
import { describe, expect, it } from '@jest/globals';
import { codeOf, filesBelow, readFile } from './sources.ts';

const folders = ['src', 'attestors', 'proto', 'bin', 'test', 'bench', 'examples', 'tools', 'packaging', '.ci'] as const;
const files = filesBelow(...folders);
const written = files.filter((file) =>
  /\.(ts|js|go|py|c|h|proto|sh)$|^bin\/|^\.ci\/|^tools\/node\/run$|^test\/testbed\/(?:docker|k8s|systemd|systemd-init|runc-unprivileged)$/.test(
    file,
  ),
);
const shipped = filesBelow('src', 'attestors').filter((file) => file.endsWith('.ts'));

/** What a line must not hold in what ships, and why. */
const forbidden: readonly { readonly pattern: RegExp; readonly but?: RegExp; readonly reason: string }[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    but: /^src\/(lib\/clock\.ts|telemetry\/|client\/|cli\/)/,
    reason: 'time arrives as an argument',
  },
  { pattern: /\bMath\.random\(/, reason: 'randomness arrives as an argument, and this one is guessable' },
  {
    pattern: /\bprocess\.exit\(/,
    but: /^src\/(main\.ts|cli\/|daemon\/)|-(?:worker|helper)\.ts$/,
    reason: 'libraries throw; only a command exits',
  },
  { pattern: /\bconsole\./, reason: 'data goes to the streams handed in, talk to the logger' },
  { pattern: /\bnew Function\(|\beval\(/, reason: 'no text becomes code' },
  { pattern: /\bas any\b|: any\b|<any>/, reason: 'any switches the checker off' },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, reason: 'so does this' },
  {
    pattern: /\bnew URL\(/,
    but: /import\.meta\.url/,
    reason: 'URL folds dots and decodes; a SPIFFE ID goes through SpiffeId.parse (ID-12)',
  },
];

/**
 * B7: `__proto__` is a legal trust domain. Text from outside keys a Map or a null-prototype object, so these two
 * shapes need a reason to stand.
 */
const plainObjects: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /:\s*(?:Partial<)?Record<string,[^=\n]*=\s*\{\s*\}/,
    reason: 'an empty plain object waits for keys from somewhere',
  },
  { pattern: /\{\s*\[\w+: string\]:[^=\n]*=\s*\{\s*\}/, reason: 'an empty plain object waits for keys from somewhere' },
  {
    pattern:
      /\b(?!bytes|buffer|counts|view|out)[a-z]\w*\[(?!i\b|j\b|at\b|index\b|\d)[a-z]\w*\]\s*(?:\?\?|\|\|)?=(?!=|>)/,
    reason: 'a computed key is written into an object',
  },
];

/** Every file that has one of those shapes all the same, and why its keys are not outside text. */
const explained = new Map([['src/api/admin/service.ts', 'its keys are the methods of our own .proto']]);

/** The object written into was made without a prototype, or is a list. */
function isSafe(file: string, line: string): boolean {
  const name = /\b([a-z]\w*)\[[a-z]\w*\]\s*(?:\?\?|\|\|)?=(?!=|>)/.exec(line)?.[1];
  if (name === undefined) return false;
  return new RegExp(`\\b${name}\\b[^;\\n]*= *(?:Object\\.create\\(null\\)|\\[|new [A-Z]\\w*Array)`).test(
    readFile(file),
  );
}

describe('every file', () => {
  it('opens with the licence', () => {
    const bare = written.filter(
      (file) => !readFile(file).split('\n').slice(0, 2).join('\n').includes('SPDX-License-Identifier: Apache-2.0'),
    );
    expect(bare).toEqual([]);
  });

  it('is small: at most 300 lines', () => {
    const long = written.filter((file) => /\.(ts|go|py|c)$/.test(file) && readFile(file).split('\n').length > 301);
    expect(long).toEqual([]);
  });

  it('is named in kebab-case', () => {
    const odd = shipped.filter(
      (file) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?\.ts$/.test(file.split('/').at(-1) as string),
    );
    expect(odd).toEqual([]);
  });

  it('leaves nothing for later: no TODO, FIXME or XXX', () => {
    const word = /\b(?:TODO|FIXME|XXX)\b/;
    expect(written.filter((file) => !file.startsWith('test/structure/') && word.test(readFile(file)))).toEqual([]);
  });
});

describe('what ships', () => {
  it.each(forbidden)('holds no $pattern: $reason', ({ pattern, but }) => {
    expect(linesWith(pattern, (file, line) => but?.test(file) || but?.test(line) || false)).toEqual([]);
  });

  it.each(plainObjects)('B7: keys no plain object by text it does not know ($pattern): $reason', ({ pattern }) => {
    expect(linesWith(pattern, (file, line) => explained.has(file) || isSafe(file, line))).toEqual([]);
  });
});

function linesWith(pattern: RegExp, excused: (file: string, line: string) => boolean): string[] {
  return shipped.flatMap((file) =>
    codeOf(file)
      .split('\n')
      .map((line, at) => ({ line, at }))
      .filter(({ line }) => pattern.test(line) && !excused(file, line))
      .map(({ line, at }) => `${file}:${at + 1} ${line.trim()}`),
  );
}
