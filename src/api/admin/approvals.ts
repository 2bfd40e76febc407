// SPDX-License-Identifier: Apache-2.0
/** What people are asked: get, list; and what they signed, handed in. */
import type { OpenedRequest } from '../../approvals/approvals.ts';
import type { Submitted } from '../../approvals/signed.ts';
import { APPROVAL_STATES, type ApprovalRecord, type ApprovalStore } from '../../store/approvals.ts';
import { nameOf } from './actor-name.ts';
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, invalid, missing, readPage, readWord } from './read-request.ts';
import type { Outgoing } from './wire.ts';
import type { ApprovalRpcs, WireApproval } from './wire-approval.ts';

export interface ApprovalDoor {
  readonly store: Pick<ApprovalStore, 'get' | 'list' | 'votes'>;
  state(id: string): OpenedRequest | undefined;
  submit(id: string, submitted: Submitted, by: string): Promise<OpenedRequest>;
}

/** Of the id of a task or grant, of a statement (`src/approvals/statement.ts`) and of an armored signature (`armor.ts`). */
const MOST = { id: 64, statement: 32_768, signature: 4_096 } as const;

export function approvalRpcs({ approvals }: AdminDeps): Handlers<keyof ApprovalRpcs> {
  const shown = (id: string): Outgoing<WireApproval> => {
    const record = approvals.store.get(id);
    const opened = approvals.state(id);
    if (record === undefined || opened === undefined)
      throw missing('APPROVAL_NOT_FOUND', 'approval', id, 'list what is asked: assay approvals');
    return show(record, opened, approvals.store);
  };
  return {
    GetApproval: ({ id }) => ({ approval: shown(id) }),
    ListApprovals(request) {
      const filter = {
        state: readWord(request.state, APPROVAL_STATES, 'state'),
        identity: given(request.identity),
      };
      const { rows, next } = approvals.store.list(filter, readPage(request));
      return { approvals: rows.map(({ id }) => shown(id)), next_page_token: next ?? '' };
    },
    async SubmitVote(request, { actor }) {
      for (const field of ['id', 'statement', 'signature'] as const) refuseLong(field, request[field]);
      const { id, statement, signature } = request;
      await approvals.submit(id, { statement, signature }, nameOf(actor));
      return { approval: shown(id) };
    },
  };
}

/** Before any of it is parsed: anybody may hand one in. */
function refuseLong(field: keyof typeof MOST, text: string): void {
  const most = MOST[field];
  // guard: I9 test/api/admin/approvals.test.ts
  if (text.length > most)
    throw invalid(
      'TEXT_TOO_LONG',
      field,
      text.slice(0, 32),
      `is longer than ${most} characters`,
      'sign what assay approve shows',
    );
}

function show(
  { id, kind, identity, request, digest, state, stateSince, stateReason, createdAt, notAfter }: ApprovalRecord,
  opened: OpenedRequest,
  store: ApprovalDoor['store'],
): Outgoing<WireApproval> {
  return {
    ...{ id, kind, identity, request, digest, state },
    state_since: stateSince,
    state_reason: stateReason ?? '',
    created_at: createdAt,
    not_after: notAfter,
    missing: opened.missing,
    votes: store.votes(id).map(({ human, decision, strength, proof, fingerprint, statement, signature, at }) => ({
      ...{ human, decision, strength, proof, fingerprint, statement, signature, at },
      void:
        decision === 'withdraw'
          ? ''
          : (opened.void.find((one) => one.human === human && one.fingerprint === fingerprint)?.why ?? ''),
    })),
  };
}
