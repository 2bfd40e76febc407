// SPDX-License-Identifier: Apache-2.0
/** Which tests are of an attack, and what jest's report says of each attack. */
import type { Threat } from '../conformance/threats.ts';
import { readThreats } from '../conformance/threats.ts';
import { namedIn } from '../conformance/titles.ts';

/** Of jest's `--json`. */
export interface Report {
  readonly testResults: readonly {
    /** Its path. */
    readonly name: string;
    readonly status: string;
    /** `duration` in milliseconds. */
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly duration?: number | null;
    }[];
  }[];
}

export interface Choice {
  readonly attacks: readonly Threat[];
  /** Relative to the top. */
  readonly files: readonly string[];
  /** Whole names of tests that name an attack. */
  readonly pattern: RegExp;
}

/** Part A, or those of it that are named. Throws when one of these is no attack. */
export function chosen(top: string, only: readonly string[] = []): Choice {
  const all = readThreats().flatMap(({ threats }) => threats.filter(({ id }) => id.startsWith('A')));
  const unknown = only.find((id) => !all.some((attack) => attack.id === id));
  if (unknown !== undefined) throw new Error(`${unknown} is no attack`);
  const attacks = all.filter(({ id }) => only.length === 0 || only.includes(id));
  const pattern = titleOf(attacks.map(({ id }) => id).join('|'));
  const named = namedIn(top, new RegExp(pattern, 'g'));
  const files = new Set([...named.values()].flat().filter((file) => file.endsWith('.test.ts')));
  return { attacks, files: [...files].sort(), pattern };
}

/** A title that names one of them: not `PC-A4`, nor `A4-b`. */
const titleOf = (ids: string): RegExp => new RegExp(`(?<![\\w-])(?:${ids})(?![\\w-])`);

/** A test of two attacks counts for both. `outside`: files that failed though none of their tests did, as one that does not load. */
export function tally(
  report: Report,
  attacks: readonly Threat[],
): { readonly lines: readonly string[]; readonly missing: readonly string[]; readonly outside: readonly string[] } {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const rows = attacks.map(({ id }) => {
    const own = tests.filter(({ fullName }) => titleOf(id).test(fullName));
    const count = (...states: string[]): number => own.filter(({ status }) => states.includes(status)).length;
    const seconds = own.reduce((sum, { duration }) => sum + (duration ?? 0), 0) / 1_000;
    const skipped = count('pending', 'skipped', 'todo');
    return { id, seconds, passed: count('passed'), failed: count('failed'), skipped };
  });
  return {
    lines: rows.map(
      ({ id, passed, failed, skipped, seconds }) =>
        `${id.padEnd(4)}${String(passed).padStart(4)} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}, ${seconds.toFixed(0)} s`,
    ),
    missing: rows.filter(({ passed }) => passed === 0).map(({ id }) => id),
    outside: report.testResults
      .filter(({ status, assertionResults: own }) => status === 'failed' && own.every((one) => one.status !== 'failed'))
      .map(({ name }) => name),
  };
}
