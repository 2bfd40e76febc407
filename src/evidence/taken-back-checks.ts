// SPDX-License-Identifier: Apache-2.0
/** Approvals that who gave them took back: of their own, and what had begun by them ended at once. */
import type { Row } from './row.ts';
import type { ProvenTask } from './task-checks.ts';
import type { Verdict } from './verdict.ts';
import type { ProvenVote } from './vote-checks.ts';

/** Where people approved it; what they take back after that ends the task. Never, where they did not. */
export function endOfVotes(asked: readonly Row[]): number {
  return asked.find(({ event }) => event.kind === 'approval.approved')?.event.seq ?? Number.POSITIVE_INFINITY;
}

export function checkTakenBack(
  votes: readonly ProvenVote[],
  asked: readonly Row[],
  { steps }: Pick<ProvenTask, 'steps'>,
  verdict: Verdict,
): void {
  const over = endOfVotes(asked);
  for (const { seq, human } of votes.filter(({ decision }) => decision === 'withdraw')) {
    const name = `event ${seq} (vote.withdraw) by ${human}`;
    const gave = votes.some((vote) => vote.decision === 'approve' && vote.human === human && vote.seq < seq);
    // guard: C2 test/evidence/taken-back.test.ts
    verdict.require(gave, `${name}: there was no approval of theirs to take back`);
    const ended = steps.some((step) => step.seq === seq + 1 && (step.state === 'ended' || step.state === 'denied'));
    // guard: I7 test/evidence/taken-back.test.ts
    verdict.require(seq < over || ended, `${name}: the task did not end with it`);
  }
}
