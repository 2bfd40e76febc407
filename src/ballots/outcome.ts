// SPDX-License-Identifier: Apache-2.0
import type { Tally } from '../approvals/votes.ts';
import type { DecidedApproval } from '../store/approvals.ts';

/** What a vote makes of its request; undefined where people are still missing. `said`: the reason that was signed with it. */
export function outcomeOf({ state, approvals, rejectedBy }: Tally, said: string | null): DecidedApproval | undefined {
  const why = said === null ? '' : `: ${said}`;
  if (state === 'rejected') return { state, reason: `rejected by ${rejectedBy.join(', ')}${why}` };
  if (state === 'approved') return { state, reason: `approved by ${approvals.map(({ human }) => human).join(', ')}` };
  return undefined;
}
