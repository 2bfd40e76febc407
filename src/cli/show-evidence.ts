// SPDX-License-Identifier: Apache-2.0
/** What a verified evidence says, as JSON and in words. */
import { strengthWords } from '../approvals/key-strength.ts';
import type { ProvenApproval } from '../evidence/approval-checks.ts';
import type { Evidence } from '../evidence/format.ts';
import type { ProvenGrant } from '../evidence/grant-checks.ts';
import type { Issued } from '../evidence/issuance-checks.ts';
import type { ProvenTask } from '../evidence/task-checks.ts';
import type { Verified } from '../evidence/verify.ts';
import type { ProvenVote } from '../evidence/vote-checks.ts';
import type { Io } from './io.ts';
import { instant, plain, printFields } from './print.ts';

export function evidenceJson(evidence: Evidence, verified: Verified, isKeyKnown: boolean): object {
  const { faults, remarks, checkpoint, task, approval, grant, issued, children } = verified;
  return {
    verified: faults.length === 0,
    faults,
    remarks,
    log_key: evidence.verifierKey,
    log_key_known: isKeyKnown,
    events: evidence.events.length,
    size: checkpoint?.size ?? null,
    root: checkpoint?.root.toString('base64') ?? null,
    task: task === undefined ? null : taskJson(task),
    approval: approval === undefined ? null : approvalJson(approval),
    grant: grant === undefined ? null : grantJson(grant),
    issued: issued.map(issuedJson),
    children,
    policies: evidence.policies.map(({ hash }) => hash),
  };
}

function taskJson({ steps, declared: _, deadline, createdAt, startTime, ...task }: ProvenTask): object {
  return {
    ...task,
    start_time: startTime,
    deadline: instant(deadline),
    created_at: instant(createdAt),
    steps: steps.map(({ seq, at, actor, state, end, reason, policyHash }) => ({
      ...{ seq, at: instant(at), actor, state, end, reason },
      policy_hash: policyHash === '' ? null : policyHash,
    })),
  };
}

function approvalJson({ digest, state, reason, askedAt, votes, request }: ProvenApproval): object {
  return {
    ...{ digest, state, reason },
    asked_at: instant(askedAt),
    not_after: instant(request.notAfter),
    because: request.because,
    votes: votes.map((vote) => ({
      ...{ seq: vote.seq, at: instant(vote.at), human: vote.human, decision: vote.decision, reason: vote.reason },
      ...{ strength: vote.strength, proof: vote.proof, fingerprint: vote.fingerprint },
      key: `${vote.keyType} ${vote.keyBlob}`,
      key_known: vote.isKnown,
      enrolled_at: vote.enrolled === undefined ? null : instant(vote.enrolled.at),
      enrolled_by: vote.enrolled?.by ?? null,
    })),
  };
}

function grantJson({ approval, windowFrom, windowTo, maxTaskTtlMs, maxTasks, ...grant }: ProvenGrant): object {
  const { id, purpose, intents, use, breakGlass, requestedBy } = grant;
  return {
    ...{ id, purpose, intents, use },
    from: instant(windowFrom),
    to: instant(windowTo),
    max_task_ttl_seconds: maxTaskTtlMs / 1000,
    max_tasks: maxTasks,
    break_glass: breakGlass,
    requested_by: requestedBy,
    approval: approvalJson(approval),
  };
}

function issuedJson({ seq, at, kind, row, revoked, undelivered }: Issued): object {
  return {
    ...{ seq, at: instant(at), kind },
    serial: row?.serial ?? null,
    not_after: row === null ? null : instant(row.notAfter),
    pid: row?.pid ?? null,
    marks: row?.marks ?? null,
    audiences: row?.audiences ?? null,
    revoked_at: revoked === undefined ? null : instant(revoked.at),
    revoke_reason: revoked?.reason ?? null,
    undelivered_reason: undelivered ?? null,
  };
}

/** As many credentials as people read one by one. */
const MOST_SHOWN = 20;

export function printEvidence(io: Io, { checkpoint, task, approval, grant, issued, children }: Verified): void {
  if (checkpoint !== undefined)
    printFields(io, [
      ['log', `${checkpoint.origin}, ${checkpoint.size} events, root ${checkpoint.root.toString('base64')}`],
    ]);
  if (task === undefined) return;
  printTask(io, task);
  if (grant !== undefined) printGrant(io, grant);
  if (approval !== undefined) printApproval(io, approval);
  printIssued(io, task, issued);
  for (const { id, identity } of children) io.out(`${plain(`below: task ${id} of ${identity}`)}\n`);
}

function printTask(io: Io, task: ProvenTask): void {
  printFields(io, [
    ['task', task.id],
    ['identity', task.identity],
    ['purpose', task.purpose],
    ...task.intents.map((intent) => ['intent', intent] as const),
    ['parent', task.parent ?? undefined],
    ['grant', task.grant ?? undefined],
    ['deadline', instant(task.deadline)],
    ['process', `pid ${task.pid}, started ${task.startTime}, uid ${task.uid}, gid ${task.gid}`],
    ...task.selectors.map((selector) => ['attested', selector] as const),
    ...task.claimed.map((selector) => ['claimed', selector] as const),
    ['secrets', task.secrets],
    ['digest', task.digest],
  ]);
  for (const { at, state, end, reason, actor, seq, policyHash } of task.steps) {
    const why = end === null ? '' : ` (${end}${reason === null ? '' : `: ${reason}`})`;
    const policies = policyHash === '' ? '' : `, policies ${policyHash}`;
    io.out(`${plain(`${instant(at)}  ${state}${why} by ${actor}${policies}, event ${seq}`)}\n`);
  }
}

function printGrant(io: Io, grant: ProvenGrant): void {
  const window = `${instant(grant.windowFrom)} to ${instant(grant.windowTo)}`;
  const kind = grant.breakGlass ? 'grant for an emergency' : 'grant';
  const what = `${kind} ${grant.id}, ${window}, ${grant.intents.join(' ')}: task ${grant.use} of ${grant.maxTasks}`;
  io.out(`${plain(what)}\n`);
  printApproval(io, grant.approval);
}

function printApproval(io: Io, { request, state, reason, askedAt, votes }: ProvenApproval): void {
  const need = `${request.needCount} with strength ${request.needStrength}`;
  io.out(`${plain(`${instant(askedAt)}  people were asked: ${need}, because of ${request.because.join(', ')}`)}\n`);
  for (const vote of votes) io.out(`${plain(voteText(vote))}\n`);
  io.out(`${plain(`people: ${state}${reason === null ? '' : ` (${reason})`}`)}\n`);
}

function voteText(vote: ProvenVote): string {
  const { at, human, decision, strength, proof, keyType, fingerprint, enrolled, isKnown, reason, seq } = vote;
  const words = strengthWords(strength, { highest: 3, proof: proof as 'none' });
  const key = `${keyType} ${fingerprint}, strength ${words}`;
  const whose = isKnown
    ? 'a key that was given here'
    : `a key that the log alone says is theirs, enrolled ${enrolled === undefined ? 'never' : `${instant(enrolled.at)} by ${enrolled.by}`}`;
  return `${instant(at)}  ${decision} by ${human} with ${key}: ${whose}${reason === null ? '' : `; ${JSON.stringify(reason)}`}, event ${seq}`;
}

function printIssued(io: Io, task: ProvenTask, issued: readonly Issued[]): void {
  const count = (isSo: (one: Issued) => boolean): number => issued.filter(isSo).length;
  const taken = count(({ revoked }) => revoked !== undefined);
  io.out(
    `given: ${issued.length} as ${plain(`${task.identity}/task/${task.id}`)}, ${taken} taken back before their end\n`,
  );
  for (const { at, kind, row, revoked, undelivered, seq } of issued.slice(0, MOST_SHOWN)) {
    const what = row === null ? 'not kept any more' : `${row.serial}, good until ${instant(row.notAfter)}`;
    const whom = row === null || row.audiences.length === 0 ? '' : `, for ${row.audiences.join(' ')}`;
    const marks = row === null || row.marks.length === 0 ? '' : `, ${row.marks.join(' ')}`;
    const end = revoked === undefined ? '' : `, taken back ${instant(revoked.at)} (${revoked.reason})`;
    const unsent = undelivered === undefined ? '' : `, never sent (${undelivered})`;
    io.out(`${plain(`${instant(at)}  ${kind} ${what}${whom}${marks}${end}${unsent}, event ${seq}`)}\n`);
  }
  if (issued.length > MOST_SHOWN) io.out(`and ${issued.length - MOST_SHOWN} more: -o json\n`);
}
