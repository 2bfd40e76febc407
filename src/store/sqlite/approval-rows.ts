// SPDX-License-Identifier: Apache-2.0
/** Approval requests and votes as rows. */
import type { ApprovalRecord, ApprovalState, VoteRecord } from '../approvals.ts';
import { type Named, namedRow } from './row-payload.ts';
import type { Value } from './wire.ts';

export const APPROVAL_COLUMNS =
  'id, kind, task, identity, request, digest, agent, uid, quorum, strength, created_at, not_after, state, state_since, state_reason, revision';
/** Where in the values. */
export const APPROVAL = {
  id: 0,
  task: 2,
  identity: 3,
  uid: 7,
  createdAt: 10,
  notAfter: 11,
  state: 12,
  revision: 15,
} as const;

export const VOTE_COLUMNS = 'request, human, decision, fingerprint, strength, proof, counter, statement, signature, at';
export const VOTE = { request: 0, human: 1, decision: 2, fingerprint: 3, at: 9 } as const;

export function approvalValues(approval: ApprovalRecord): Value[] {
  return [
    approval.id,
    approval.kind,
    approval.kind === 'task' ? approval.id : null,
    approval.identity,
    approval.request,
    approval.digest,
    approval.agent,
    approval.uid,
    approval.quorum,
    approval.strength,
    approval.createdAt,
    approval.notAfter,
    approval.state,
    approval.stateSince,
    approval.stateReason,
    approval.revision,
  ];
}

export function approvalOf(row: readonly unknown[]): ApprovalRecord {
  return {
    id: row[0] as string,
    kind: row[1] as ApprovalRecord['kind'],
    identity: row[3] as string,
    request: row[4] as string,
    digest: row[5] as string,
    agent: row[6] as string,
    uid: row[7] as number | null,
    quorum: row[8] as number,
    strength: row[9] as number,
    createdAt: row[10] as number,
    notAfter: row[11] as number,
    state: row[12] as ApprovalState,
    stateSince: row[13] as number,
    stateReason: row[14] as string | null,
    revision: row[15] as number,
  };
}

export function voteValues(vote: VoteRecord): Value[] {
  return [
    vote.request,
    vote.human,
    vote.decision,
    vote.fingerprint,
    vote.strength,
    vote.proof,
    vote.counter,
    vote.statement,
    vote.signature,
    vote.at,
  ];
}

export function voteOf(row: readonly unknown[]): VoteRecord {
  return {
    request: row[0] as string,
    human: row[1] as string,
    decision: row[2] as VoteRecord['decision'],
    fingerprint: row[3] as string,
    strength: row[4] as number,
    proof: row[5] as string,
    counter: row[6] as number | null,
    statement: row[7] as string,
    signature: row[8] as string,
    at: row[9] as number,
  };
}

/** What their events say. */
export function approvalRow(values: readonly Value[]): Named {
  return namedRow(APPROVAL_COLUMNS, values);
}

export function voteRow(values: readonly Value[]): Named {
  return namedRow(VOTE_COLUMNS, values);
}

/** Which vote: a human's name has no space. */
export function voteKey(request: unknown, human: unknown, decision: unknown): string {
  return `${String(request)} ${String(human)} ${String(decision)}`;
}
