// SPDX-License-Identifier: Apache-2.0
/**
 * What a human signs: the request with all its fields, its digest, their decision and their name, as one text (RFC 8785). A signature is
 * over these bytes, without a line end, under the namespace of the trust domain.
 */
import { hash } from 'node:crypto';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { canonicalJson, type Json } from '../lib/canonical-json.ts';
import { JsonNumber, type JsonValue, parseJsonText } from '../lib/json-text.ts';
import { fieldsJson, membersOf, objectOf } from './fields.ts';
import {
  type ApprovalRequest,
  HEAD_FIELDS,
  human,
  MOST_TARGETS,
  reason,
  TAIL_FIELDS,
  TARGET_FIELDS,
} from './request.ts';
import { invalidStatement } from './values.ts';

export interface Statement {
  /** `withdraw`: whoever approved it takes that back. */
  readonly decision: 'approve' | 'reject' | 'withdraw';
  /** Who signs. */
  readonly human: string;
  /** Why, in their words. */
  readonly reason: string | null;
  readonly request: ApprovalRequest;
}

const VERSION = 1;
/** Eight targets of 32 intents each, all at full length, would be 40 KiB: nobody reads that. */
const LONGEST = 32_768;
const LONGEST_HUMAN = 'a'.repeat(64);
const LONGEST_REASON = 'a'.repeat(200);
const TARGETS = 'targets';
const REQUEST_FIELDS = [...HEAD_FIELDS, ...TAIL_FIELDS];
const STATEMENT_MEMBERS = ['v', 'decision', 'human', 'reason', 'digest', 'request'];

/** `approval@example.org`: keeps a signature from being one for git, a login or another trust domain. */
export function approvalNamespace(trustDomain: string): string {
  return `approval@${trustDomain}`;
}

/** The canonical text of a request. */
export function requestText(request: ApprovalRequest): string {
  return canonicalJson(requestJson(request));
}

/** `sha256:` and hexadecimal, over that text. */
export function requestDigest(request: ApprovalRequest): string {
  return `sha256:${hash('sha256', requestText(request), 'hex')}`;
}

/** The text that is signed. Throws ('invalid-argument', 'STATEMENT_INVALID') for what could not be read back. */
export function statementText(statement: Statement): string {
  const text = canonicalJson({
    v: VERSION,
    decision: statement.decision,
    human: statement.human,
    reason: statement.reason,
    digest: requestDigest(statement.request),
    request: requestJson(statement.request),
  });
  parseStatement(text);
  return text;
}

/** Throws as `statementText` does: for whoever asks, before anybody is asked. What cannot be shown or signed cannot be approved. */
export function refuseUnfit(request: ApprovalRequest): void {
  statementText({ decision: 'withdraw', human: LONGEST_HUMAN, reason: LONGEST_REASON, request });
}

/** Throws ('invalid-argument', 'STATEMENT_INVALID'), or JSON_INVALID, unless it is one and in canonical form. */
export function parseStatement(text: string): Statement {
  // guard: I9 test/approvals/statement.test.ts
  if (text.length > LONGEST) throw invalidStatement('statement', text, `it is longer than ${LONGEST} characters`);
  const members = objectOf(parseJsonText(text, 'statement'), 'statement', STATEMENT_MEMBERS);
  const version = members.get('v');
  if (!(version instanceof JsonNumber) || version.source !== String(VERSION))
    throw invalidStatement('v', version instanceof JsonNumber ? version.source : version, `it is not ${VERSION}`);
  const decision = members.get('decision');
  // guard: C4 test/approvals/statement.test.ts
  if (decision !== 'approve' && decision !== 'reject' && decision !== 'withdraw')
    throw invalidStatement('decision', decision, 'it is none of approve, reject, withdraw');
  const request = parseRequest(members.get('request'));
  const said = {
    human: human.parse(members.get('human'), 'human'),
    reason: reason.parse(members.get('reason'), 'reason'),
  };
  const statement = { decision, ...said, request } as const;
  if (members.get('digest') !== requestDigest(request))
    throw invalidStatement('digest', members.get('digest'), 'it is not that of the request');
  const canonical = canonicalJson({
    v: VERSION,
    ...statement,
    digest: requestDigest(request),
    request: requestJson(request),
  });
  // guard: C4 test/approvals/statement.test.ts — one statement has one text, with nothing in it that is not read
  if (canonical !== text) throw invalidStatement('statement', text, 'it is not in canonical form (RFC 8785)');
  return statement;
}

/** Names of the fields in which one request is not the other: what changed while it was pending. Ascending. */
export function differences(one: ApprovalRequest, other: ApprovalRequest): readonly string[] {
  const [a, b] = [requestJson(one), requestJson(other)];
  return Object.keys(a)
    .filter((name) => canonicalJson(a[name] as Json) !== canonicalJson(b[name] as Json))
    .sort();
}

/** Of JSON as `parseJsonText` reads it. Throws ('invalid-argument', 'STATEMENT_INVALID'). */
export function parseRequest(json: JsonValue | undefined): ApprovalRequest {
  const members = objectOf(json, 'request', [...REQUEST_FIELDS.map(({ name }) => name), TARGETS]);
  const listed = members.get(TARGETS);
  // guard: I9 test/approvals/statement.test.ts
  if (!Array.isArray(listed) || listed.length < 1 || listed.length > MOST_TARGETS)
    throw invalidStatement(TARGETS, 'a list', `it is no list of 1 to ${MOST_TARGETS}`);
  const targets = listed.map((one: JsonValue) =>
    membersOf(
      TARGET_FIELDS,
      objectOf(
        one,
        TARGETS,
        TARGET_FIELDS.map(({ name }) => name),
      ),
    ),
  );
  const request = { ...membersOf(REQUEST_FIELDS, members), targets } as unknown as ApprovalRequest;
  refuseContradictions(request);
  return request;
}

function refuseContradictions(request: ApprovalRequest): void {
  const names = request.targets.map(({ name }) => name);
  // guard: C4 test/approvals/statement.test.ts
  if (new Set(names).size !== names.length) throw invalidStatement(TARGETS, names.join(', '), 'one is there twice');
  // guard: C4 test/approvals/statement.test.ts — the namespace of the signature is that of the trust domain
  if (SpiffeId.parse(request.identity).trustDomain.name !== request.trustDomain)
    throw invalidStatement('identity', request.identity, `it is not of the trust domain ${request.trustDomain}`);
  const { uid, pid, started, secrets, from, mostTasks, taskSeconds, delegates } = request;
  const ofTask = [uid, pid, started, secrets];
  const ofGrant = [from, mostTasks, taskSeconds];
  const { parent, grant, executable, sha256, selectors } = request;
  const ofTaskPerhaps = [parent, grant, executable, sha256, selectors.length === 0 ? null : selectors];
  const [needed, foreign] = request.kind === 'task' ? [ofTask, ofGrant] : [ofGrant, [...ofTask, ...ofTaskPerhaps]];
  // guard: C4 test/approvals/statement.test.ts — what is left out cannot be seen
  if (needed.includes(null)) throw invalidStatement('kind', request.kind, 'something that it has to say is none');
  // guard: C4 test/approvals/statement.test.ts
  if (foreign.some((value) => value !== null) || (request.kind === 'task' && delegates.length > 0))
    throw invalidStatement('kind', request.kind, 'it says what is no matter of it');
}

function requestJson(request: ApprovalRequest): { readonly [name: string]: Json } {
  return {
    ...fieldsJson(REQUEST_FIELDS, request),
    targets: request.targets.map((one) => fieldsJson(TARGET_FIELDS, one)),
  };
}
