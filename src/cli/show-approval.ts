// SPDX-License-Identifier: Apache-2.0
/** What people are asked, as text and as JSON. */
import type { WireApproval } from '../api/admin/wire-approval.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { parseRequest } from '../approvals/statement.ts';
import { parseJsonText } from '../lib/json-text.ts';
import type { Io } from './io.ts';
import { type Format, instant, printFields, printJson, when } from './print.ts';

export function requestOf({ request }: WireApproval): ApprovalRequest {
  return parseRequest(parseJsonText(request, 'request'));
}

export function approvalJson(approval: WireApproval): object {
  return {
    id: approval.id,
    kind: approval.kind,
    identity: approval.identity,
    state: approval.state,
    state_since: instant(Number(approval.state_since)),
    state_reason: approval.state_reason === '' ? null : approval.state_reason,
    created_at: instant(Number(approval.created_at)),
    not_after: instant(Number(approval.not_after)),
    missing: approval.missing,
    digest: approval.digest,
    request: JSON.parse(approval.request) as object,
    votes: approval.votes.map(
      ({ human, decision, strength, proof, fingerprint, statement, signature, at, ...rest }) => ({
        ...{ human, decision, strength, proof, fingerprint },
        at: instant(Number(at)),
        void: rest.void === '' ? null : rest.void,
        ...{ statement, signature },
      }),
    ),
  };
}

export function printApproval(io: Io, output: Format, approval: WireApproval): void {
  if (output === 'json') {
    printJson(io, { approval: approvalJson(approval) });
    return;
  }
  const now = io.now();
  const { needCount, needStrength, needOtherUid, purpose, targets } = requestOf(approval);
  const need = `${needCount} with strength ${needStrength}${needOtherUid ? ', of another uid' : ''}`;
  printFields(io, [
    ['approval', `${approval.id} of a ${approval.kind}`],
    ['identity', approval.identity],
    ['purpose', purpose],
    ...targets.flatMap(({ intents }) => intents.map((intent): [string, string] => ['intent', intent])),
    ['state', `${approval.state} since ${when(Number(approval.state_since), now)}`],
    ['reason', approval.state_reason === '' ? undefined : approval.state_reason],
    ['needs', need],
    ['missing', approval.state === 'pending' ? String(approval.missing) : undefined],
    ['answer before', when(Number(approval.not_after), now)],
    ...approval.votes.map((vote): [string, string] => [
      vote.decision,
      `${vote.human} with strength ${vote.strength}, ${vote.fingerprint}, ${when(Number(vote.at), now)}${vote.void === '' ? '' : `; does not count: ${vote.void}`}`,
    ]),
  ]);
}
