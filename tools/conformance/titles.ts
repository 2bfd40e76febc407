// SPDX-License-Identifier: Apache-2.0
/**
 * Which test file names which row. A row is named by the title of a test or a group, or by a text that begins with the
 * row, as in the tables that `it.each` turns into titles, or in the file below test/vectors/ that the test reads them
 * from. Comments and skipped tests name nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Row, attack or invariant to the files that test it, sorted. */
export type Named = ReadonlyMap<string, readonly string[]>;

const TESTS = /\.(?:test|interop|story)\.ts$/;
/** They test tools that read titles, with titles of nothing. */
const ABOUT_TITLES = /^test\/structure\/(?:guard|conformance|hostile)/;
/** Conformance rows. */
export const ROW = /\b(?:ID|X509|JWT|WIT|BUN|WEP|WAPI|BRE|BRK|FED|SDS|AMB|CLI)-\d\d+\b/g;
/** Attacks and invariants of the threat model. */
export const THREAT = /(?<![\w-])[ABCI]\d\d?(?![\w-])/g;

export function namedIn(top: string, kind: RegExp): Named {
  const named = new Map<string, string[]>();
  const files = readdirSync(join(top, 'test'), { recursive: true, encoding: 'utf8' });
  for (const file of files.map((name) => `test/${name}`).sort()) {
    if (!TESTS.test(file) || ABOUT_TITLES.test(file)) continue;
    const code = readFileSync(join(top, file), 'utf8');
    for (const id of new Set([...idsIn(code, kind), ...idsOfVectors(top, code, kind)])) {
      const known = named.get(id);
      if (known) known.push(file);
      else named.set(id, [file]);
    }
  }
  return named;
}

/** What a text may be: comments and expressions in slashes are matched first, so that a quote in them opens nothing. */
const PIECES =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=[(,=:[!&|?{};]\s*|return\s)\/(?:\\.|\[(?:\\.|[^\]\n\\])*\]|[^/\n\\[])+\/[a-z]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`/g;
/** A test or a group, its table in between: `it(`, `it.each(…)(`, `asRoot.each(…)(`. */
const OPENS_TEST = /\b(?:it|test|describe)(?:\.(?:each|concurrent|only|failing))*\s*(?:\([\s\S]*\)\s*)?\(\s*$/;
const SKIPPED = /\b(?:it|test|describe)\.(?:skip|todo)(?:\.each\s*\([\s\S]*\))?\s*\(\s*$/;

export function idsIn(code: string, kind: RegExp): Set<string> {
  const rows = new Set<string>();
  for (const piece of code.matchAll(PIECES)) {
    const [text] = piece;
    if (text.startsWith('/')) continue;
    const before = lastStatement(code.slice(0, piece.index));
    if (SKIPPED.test(before)) continue;
    const words = text.slice(1, -1);
    const begins = words.search(kind) === 0;
    if (!begins && !OPENS_TEST.test(before)) continue;
    for (const [id] of words.matchAll(kind)) rows.add(id);
  }
  return rows;
}

/** Of the tables kept beside the tests: each text of them that begins with a row. */
function idsOfVectors(top: string, code: string, kind: RegExp): string[] {
  const begins = new RegExp(`"(${kind.source})`, 'g');
  const files = [...code.matchAll(/\bvectors\/[\w./-]+\.json\b/g)].map(([name]) => join(top, 'test', name));
  return files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(begins)].map((match) => match[1] ?? ''));
}

/** The code since the last line that ended a statement. */
const lastStatement = (code: string): string => code.slice(Math.max(0, code.lastIndexOf(';\n'), code.length - 4000));
