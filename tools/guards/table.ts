// SPDX-License-Identifier: Apache-2.0
/** The guards as a Markdown table, and its place in docs/threat-model.md. */
import type { Guard } from './markers.ts';

const BEGIN = '<!-- guards:begin -->';
const END = '<!-- guards:end -->';

/** No line numbers: the table changes only when a guard does. */
export function renderTable(guards: readonly Guard[]): string {
  const rows = guards.map((g) => [g.ids.join(', '), g.file, g.test, g.why].map(cell));
  const sorted = rows.sort((a, b) => byId(a[0] ?? '', b[0] ?? '') || a.join().localeCompare(b.join()));
  const lines = sorted.map((row) => `| ${row.join(' | ')} |`);
  return ['| closes | guard in | goes red without it | why |', '|---|---|---|---|', ...lines].join('\n');
}

export function putTable(page: string, table: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/threat-model.md holds no ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n${table}\n${page.slice(to)}`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A2 before A10, X509-02 before X509-10. */
const byId = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
