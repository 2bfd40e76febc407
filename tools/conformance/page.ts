// SPDX-License-Identifier: Apache-2.0
/** Rows and the tests that name them, as docs/conformance.md; and what is wrong with them. */
import type { Row, Section, Strength } from './rows.ts';
import type { Named } from './titles.ts';

const INTRO = `# Conformance

What the SPIFFE standards, and the programs people use with them, ask of Assay: every row with its test, or with the part of Assay
that does not exist yet. The rows were drawn up from spiffe/spiffe \`665a28f3\`, spiffe/spire \`ef8527ec\`, go-spiffe v2.8.1 and Envoy's API.

**Strength.** MUST, SHOULD and MAY are the standard's. *de facto*: the standard is silent or softer, but SPIRE or go-spiffe behaves so
and clients lean on it. *ours*: not in the standard.

**Test.** A row is tested where the title of a test names it: \`npm test -- -t X509-17\` runs that row. Files ending in \`.interop.ts\` hold
programs that nobody here wrote against a daemon and run with \`npm run interop\`.

This page is written by \`tools/node/run tools/conformance.ts\` from \`tools/conformance/rows.txt\` and the titles of the tests; a test
fails when it is out of date, when a row that holds has no test, and when a title names a row that is not here.`;

const STRENGTH_TEXT = {
  MUST: 'MUST',
  SHOULD: 'SHOULD',
  MAY: 'MAY',
  DF: 'de facto',
  OURS: 'ours',
} as const satisfies Record<Strength, string>;

export function renderPage(sections: readonly Section[], named: Named): string {
  const parts = sections.map((section) =>
    [
      `## ${section.title}`,
      '',
      '| row | strength | requirement | test |',
      '|---|---|---|---|',
      ...section.rows.map((row) => renderRow(row, named.get(row.id) ?? [])),
    ].join('\n'),
  );
  return `${[INTRO, summary(sections, named), ...parts].join('\n\n')}\n`;
}

function renderRow(row: Row, files: readonly string[]): string {
  const lacking = row.waitsFor === undefined ? [] : [`not built: ${row.waitsFor}`];
  const cell = [...(files.length > 0 ? [testLinks(files)] : []), ...lacking].join('<br>');
  return `| ${row.id} | ${STRENGTH_TEXT[row.strength]} | ${row.requirement} | ${cell} |`;
}

/** From a page in docs/. */
export function testLinks(files: readonly string[]): string {
  return files.map((file) => `[${file.slice('test/'.length)}](../${file})`).join('<br>');
}

function summary(sections: readonly Section[], named: Named): string {
  const lines = sections.map(({ area, title, rows }) => {
    const tested = rows.filter((row) => row.waitsFor === undefined && named.has(row.id)).length;
    return `| ${area} | [${title}](#${anchor(title)}) | ${rows.length} | ${tested} | ${rows.filter(isWaiting).length} |`;
  });
  return ['| area | | rows | hold, with a test | not built |', '|---|---|---|---|---|', ...lines].join('\n');
}

/** As GitHub makes them from headings. */
const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const isWaiting = (row: Row): boolean => row.waitsFor !== undefined;

/** Rows that hold without a test, and titles that name no row. */
export function faults(sections: readonly Section[], named: Named): string[] {
  const rows = new Map(sections.flatMap((section) => section.rows).map((row) => [row.id, row]));
  const untested = [...rows.values()].filter((row) => !isWaiting(row) && !named.has(row.id));
  const unknown = [...named].filter(([id]) => !rows.has(id));
  return [
    ...untested.map((row) => `${row.id} has no test: ${row.requirement}`),
    ...unknown.map(([id, files]) => `${id} is no row, but a title in ${files.join(', ')} names it`),
  ];
}
