// SPDX-License-Identifier: Apache-2.0
/** Both pages as they should stand, and what is wrong with what they say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults, renderPage } from './page.ts';
import { readRows } from './rows.ts';
import { putBlock, readThreats, renderAttacks, renderInvariants, threatFaults } from './threats.ts';
import { namedIn, ROW, THREAT } from './titles.ts';

export const THREAT_MODEL = 'docs/threat-model.md';
export const CONFORMANCE = 'docs/conformance.md';

export interface Pages {
  /** File, relative to the top, to its text. */
  readonly written: ReadonlyMap<string, string>;
  readonly wrong: string[];
}

export function pages(top: string): Pages {
  const rows = readRows();
  const rowTests = namedIn(top, ROW);
  const threats = readThreats();
  const threatTests = namedIn(top, THREAT);
  const page = readFileSync(join(top, THREAT_MODEL), 'utf8');
  const attacks = putBlock(page, 'attacks', renderAttacks(threats, threatTests));
  return {
    written: new Map([
      [CONFORMANCE, renderPage(rows, rowTests)],
      [THREAT_MODEL, putBlock(attacks, 'invariants', renderInvariants(threats, threatTests))],
    ]),
    wrong: [...faults(rows, rowTests), ...threatFaults(threats, threatTests)],
  };
}
