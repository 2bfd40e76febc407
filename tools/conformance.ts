// SPDX-License-Identifier: Apache-2.0
/**
 * Writes docs/conformance.md, and the attacks and invariants of docs/threat-model.md, from what is said about them below
 * tools/conformance/ and the titles of the tests.
 *
 *   --check   write nothing; exit 1 when a page is out of date
 *
 * Either way exit 1 when something that holds has no test, or a title names something that does not exist.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pages } from './conformance/pages.ts';

const { values: flags } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const top = resolve(import.meta.dirname, '..');

const { written, wrong } = pages(top);
for (const [file, text] of written) {
  if (!flags.check) writeFileSync(join(top, file), text);
  else if (readFileSync(join(top, file), 'utf8') !== text)
    wrong.push(`${file} is out of date: tools/node/run tools/conformance.ts writes it`);
}
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;
