// SPDX-License-Identifier: Apache-2.0
/**
 * The evidence of a task, checked without a daemon and without a network: whoever knows the log's key, and those of the people, need
 * believe nobody else. What is believed of the daemon all the same is in docs/evidence.md.
 */
import { Failure } from '../lib/failure.ts';
import type { Checkpoint } from '../merkle/note.ts';
import { checkApproval, type ProvenApproval } from './approval-checks.ts';
import type { Evidence } from './format.ts';
import { checkGrant, type ProvenGrant } from './grant-checks.ts';
import { checkIssued, type Issued } from './issuance-checks.ts';
import { checkLog } from './log-checks.ts';
import { checkPolicies } from './policy-checks.ts';
import { type SortedEvents, sortEvents } from './sorted.ts';
import { checkTask, type ProvenTask } from './task-checks.ts';
import { Verdict } from './verdict.ts';
import type { KnownKeys, ProvenVote } from './vote-checks.ts';
import { withVouchers } from './vouch-checks.ts';

export interface VerifyOptions {
  /** The log's, as whoever verifies knows it; undefined where they do not. */
  readonly logKey: string | undefined;
  readonly humanKeys: KnownKeys;
}

export interface Verified {
  /** None where it holds. */
  readonly faults: readonly string[];
  readonly remarks: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  readonly task: ProvenTask | undefined;
  readonly approval: ProvenApproval | undefined;
  /** That it began under. */
  readonly grant: ProvenGrant | undefined;
  readonly issued: readonly Issued[];
  readonly children: readonly { readonly id: string; readonly identity: string }[];
}

const NOTHING = {
  checkpoint: undefined,
  task: undefined,
  approval: undefined,
  grant: undefined,
  issued: [],
  children: [],
};

/** Does not throw for what is in the file. */
export function verifyEvidence(evidence: Evidence, options: VerifyOptions): Verified {
  const verdict = new Verdict();
  let proven: Omit<Verified, 'faults' | 'remarks'> = NOTHING;
  try {
    const checkpoint = checkLog(evidence, options.logKey, verdict);
    if (checkpoint !== undefined) proven = checkStory(evidence, checkpoint, options, verdict);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    verdict.require(false, error.message);
  }
  return { ...proven, faults: verdict.faults, remarks: verdict.remarks };
}

function checkStory(
  evidence: Evidence,
  checkpoint: Checkpoint,
  { humanKeys }: VerifyOptions,
  verdict: Verdict,
): Omit<Verified, 'faults' | 'remarks'> {
  const sorted = sortEvents(evidence, verdict);
  const task = checkTask(evidence.task, sorted.task, verdict);
  if (task === undefined) return { ...NOTHING, checkpoint };
  const approval = checkApproval(task, sorted, checkpoint.origin, humanKeys, verdict);
  const grant = checkGrant(task, sorted, checkpoint.origin, humanKeys, verdict);
  const hashes = task.steps.map(({ policyHash }) => policyHash);
  checkPolicies(evidence.policies, [...hashes, grant?.approval.request.policyHash ?? ''], verdict);
  checkHumans(sorted, [...(approval?.votes ?? []), ...(grant?.approval.votes ?? [])], verdict);
  const issued = checkIssued(task, sorted, verdict);
  const children = sorted.children.map((row) => ({ id: row.text('id'), identity: row.text('identity') }));
  if (sorted.other.length > 0) {
    const kinds = [...new Set(sorted.other.map(({ kind }) => kind))].join(', ');
    verdict.remark(`${sorted.other.length} events of the task are of kinds that this program does not know: ${kinds}`);
  }
  return { checkpoint, task, approval, grant, issued, children };
}

/** Nobody is in it who did not vote, nor vouched for a key of who did. */
function checkHumans({ humans }: SortedEvents, votes: readonly ProvenVote[], verdict: Verdict): void {
  const voters = withVouchers(new Set(votes.map(({ human }) => human)), humans);
  for (const row of humans)
    verdict.require(voters.has(row.text('name')), `event ${row.event.seq}: it is of somebody who did not vote`);
}
