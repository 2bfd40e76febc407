// SPDX-License-Identifier: Apache-2.0
/** What a rule found, by the verifiers who hold to it, and how that becomes a check of `assay doctor federation`. */
import type { Check } from '../telemetry/check.ts';

/** Whose rules are known here. `vault` is OpenBao as well; `kubernetes` is an API server. */
export const VERIFIERS = ['aws', 'gcp', 'azure', 'kubernetes', 'vault'] as const;
export type Verifier = (typeof VERIFIERS)[number];

export interface Finding {
  /** Stable. */
  readonly name: string;
  /** In a sentence without a full stop. */
  readonly text: string;
  /** Who takes no token because of it. Empty: fine with everybody. */
  readonly refusedBy: 'all' | readonly Verifier[];
  /** It cannot be told from here, so it is a warning, whoever is asked for. */
  readonly unsure?: boolean;
  /** The next thing to try. */
  readonly hint?: string;
}

export function fine(name: string, text: string): Finding {
  return { name, text, refusedBy: [] };
}

export function broken(name: string, text: string, hint: string, refusedBy: Finding['refusedBy'] = 'all'): Finding {
  return { name, text, refusedBy, hint };
}

/** `wanted`: the verifiers that matter; none named: those that nobody gets along without are failures, the others warnings. */
export function checkOf({ name, text, refusedBy, unsure, hint }: Finding, wanted: readonly Verifier[]): Check {
  const who = refusedBy === 'all' ? [] : refusedBy.filter((one) => wanted.length === 0 || wanted.includes(one));
  if (refusedBy !== 'all' && who.length === 0) return { name, status: 'ok', text };
  const status = unsure !== true && (refusedBy === 'all' || wanted.length > 0) ? 'fail' : 'warn';
  const said = who.length === 0 ? text : `${text}; ${unsure === true ? 'matters to' : 'refused by'} ${who.join(', ')}`;
  return { name, status, text: said, ...(hint === undefined ? {} : { hint }) };
}
