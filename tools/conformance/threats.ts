// SPDX-License-Identifier: Apache-2.0
/**
 * Reads threats.txt and renders it into docs/threat-model.md: attacks (`A1 | attack | defence | not built`) and
 * invariants (`I1 | what always holds`), each with the tests whose titles name it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { testLinks } from './page.ts';
import type { Named } from './titles.ts';

export interface Threat {
  readonly id: string;
  /** Undefined for an invariant. */
  readonly attack: string | undefined;
  readonly holds: string;
  /** What does not exist yet, and with it this attack or a part of it. */
  readonly notBuilt: string | undefined;
}

export interface ThreatSection {
  readonly title: string;
  readonly threats: readonly Threat[];
}

/** They are proven by what does not exist: nothing in the product could be attacked. */
const NOTHING_TO_TEST: ReadonlySet<string> = new Set(['B8', 'C2', 'C3', 'C5']);

export function readThreats(file = join(import.meta.dirname, 'threats.txt')): ThreatSection[] {
  return parseThreats(readFileSync(file, 'utf8'));
}

export function parseThreats(text: string): ThreatSection[] {
  const sections: { letter: string; title: string; threats: Threat[] }[] = [];
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const heading = /^# ([A-Z]): (.+)$/.exec(line);
    if (heading) {
      sections.push({ letter: heading[1] as string, title: heading[2] as string, threats: [] });
      continue;
    }
    const [id = '', ...cells] = line.split(' | ');
    const section = sections.at(-1);
    const [attack, holds, notBuilt] = section?.letter === 'I' ? [undefined, ...cells] : cells;
    if (id !== `${section?.letter}${(section?.threats.length ?? 0) + 1}` || holds === undefined || cells.length > 3)
      throw new Error(`line ${at + 1}: "${line}"`);
    section?.threats.push({ id, attack, holds, notBuilt });
  }
  return sections;
}

export function renderAttacks(sections: readonly ThreatSection[], named: Named): string {
  const attacks = sections.filter(({ threats }) => threats[0]?.attack !== undefined);
  return attacks
    .map(({ title, threats }) =>
      [
        `### ${title}`,
        '',
        '| | attack | what stands against it | tests |',
        '|---|---|---|---|',
        ...threats.map(
          (one) => `| ${one.id} | ${one.attack} | ${defence(one)} | ${testLinks(named.get(one.id) ?? [])} |`,
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

export function renderInvariants(sections: readonly ThreatSection[], named: Named): string {
  const invariants = sections.flatMap(({ threats }) => threats).filter(({ attack }) => attack === undefined);
  const rows = invariants.map(({ id, holds }) => `| ${id} | ${holds} | ${testLinks(named.get(id) ?? [])} |`);
  return ['| | always true | tests |', '|---|---|---|', ...rows].join('\n');
}

const defence = ({ holds, notBuilt }: Threat): string =>
  notBuilt === undefined ? holds : `${holds} **Not built:** ${notBuilt}.`;

/** What is said to hold and has no test, and titles that name nothing. */
export function threatFaults(sections: readonly ThreatSection[], named: Named): string[] {
  const known = new Set(sections.flatMap(({ threats }) => threats.map(({ id }) => id)));
  const untested = [...known].filter((id) => !named.has(id) && !NOTHING_TO_TEST.has(id));
  const unknown = [...named].filter(([id]) => !known.has(id));
  return [
    ...untested.map((id) => `${id} has no test`),
    ...unknown.map(
      ([id, files]) => `${id} is nothing in the threat model, but a title in ${files.join(', ')} names it`,
    ),
  ];
}

/** Puts `block` between `<!-- name:begin -->` and `<!-- name:end -->`. */
export function putBlock(page: string, name: string, block: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page holds no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${block}\n${page.slice(to)}`;
}
