// SPDX-License-Identifier: Apache-2.0
/**
 * Reads rows.txt: a heading `# AREA: title | not built`, then a row a line: `ID | strength | requirement | not built`. What a
 * heading says of its rows a row may say otherwise; `-` is built.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Strength = 'MUST' | 'SHOULD' | 'MAY' | 'DF' | 'OURS';

export interface Row {
  readonly id: string;
  readonly strength: Strength;
  readonly requirement: string;
  /** The part of the product it waits for; undefined: it holds now and has a test. */
  readonly waitsFor: string | undefined;
}

export interface Section {
  readonly area: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

const STRENGTHS: readonly string[] = ['MUST', 'SHOULD', 'MAY', 'DF', 'OURS'] satisfies readonly Strength[];

export function readRows(file = join(import.meta.dirname, 'rows.txt')): Section[] {
  return parseRows(readFileSync(file, 'utf8'));
}

/** Throws on the first line that it does not understand, and on a row that stands twice. */
export function parseRows(text: string): Section[] {
  const sections: { area: string; title: string; waitsFor: string | undefined; rows: Row[] }[] = [];
  const seen = new Set<string>();
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const heading = /^# ([A-Z0-9]+): ([^|]+?)(?: \| (.+))?$/.exec(line);
    if (heading) {
      sections.push({ area: heading[1] as string, title: heading[2] as string, waitsFor: heading[3], rows: [] });
      continue;
    }
    const section = sections.at(-1);
    const row = parseRow(line, section?.waitsFor);
    if (!section || !row?.id.startsWith(`${section.area}-`)) throw new Error(`line ${at + 1}: "${line}"`);
    if (seen.has(row.id)) throw new Error(`line ${at + 1}: ${row.id} stands twice`);
    seen.add(row.id);
    section.rows.push(row);
  }
  return sections;
}

function parseRow(line: string, waitsFor: string | undefined): Row | undefined {
  const [id, strength, requirement, own, ...more] = line.split('|').map((cell) => cell.trim());
  if (!id || !/^[A-Z0-9]+-\d\d$/.test(id) || !requirement || more.length > 0) return undefined;
  if (!strength || !STRENGTHS.includes(strength)) return undefined;
  return { id, strength: strength as Strength, requirement, waitsFor: own === '-' ? undefined : (own ?? waitsFor) };
}
