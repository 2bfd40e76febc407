// SPDX-License-Identifier: Apache-2.0
/** The evidence of a task that two people approved, as a log would have it: with a tree, a checkpoint and signatures of its own. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { armor } from '../../src/approvals/armor.ts';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { requestDigest, requestText, type Statement, statementText } from '../../src/approvals/statement.ts';
import type { Evidence, EvidenceEvent } from '../../src/evidence/format.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { nodeHash } from '../../src/merkle/hash.ts';
import { type NoteSigner, signCheckpoint, verifierKey } from '../../src/merkle/note.ts';
import { inclusionProof, rootOf, type Subtree } from '../../src/merkle/proof.ts';
import { policyHash } from '../../src/policy/files.ts';
import type { ApprovalRecord } from '../../src/store/approvals.ts';
import { eventLeaf, type IssuancePayload, issuancePayload, payloadHash } from '../../src/store/events.ts';
import { approvalRow, approvalValues, voteRow, voteValues } from '../../src/store/sqlite/approval-rows.ts';
import { humanRow, humanValues, keyValues } from '../../src/store/sqlite/human-rows.ts';
import { taskRow, taskValues } from '../../src/store/sqlite/task-rows.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { digestOf } from '../../src/tasks/request.ts';
import { taskRequest } from './approval.ts';
import { newSshKey, rawSshsig, type TestSshKey } from './sshsig.ts';

export const TASK = '01jdqw3h5v8z9k2m4n6p7r8s9t';
export const CHILD = '01jdqw3h5v8z9k2m4n6p7r8s9v';
export const AGENT = 'spiffe://example.org/agent/support-bot';
export const BEGUN = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;
export const ORIGIN = 'example.org/log/1';

// biome-ignore lint/suspicious/noExplicitAny: tests change whatever they like of it
export type Said = Record<string, any>;

/** An event before it is in a tree; a test changes it as it likes. `left`: it is in the log, and not in the file. */
export interface Told {
  kind: string;
  at: number;
  actor: string;
  identity: string | null;
  task: string | null;
  said: Said;
  left?: boolean;
  /** Nothing is left of it but its header. */
  gone?: boolean;
}

export interface Story {
  readonly told: Told[];
  readonly keys: ReadonlyMap<string, TestSshKey>;
  readonly request: ApprovalRequest;
  policies: { hash: string; text: string }[];
  /** The first of its kind, or the one at this place among them. */
  of(kind: string, at?: number): Told;
  /** Puts `to` in the place of `from`, wherever this column is that. */
  everywhere(column: string, from: unknown, to: unknown): void;
  /** All whose kind begins so are in the log, and not in the file. */
  without(...kinds: string[]): void;
}

export const logSigner = (name = ORIGIN): NoteSigner => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { name, publicKey, sign: (text) => sign(null, text, privateKey) };
};

const FILES = [{ name: 'site.cedar', text: '@id("all") permit (principal, action, resource);' }];
const [GUARDRAILS, SCHEMA] = ['guardrails as they were', 'a schema as it was'];
export const POLICY = {
  hash: policyHash(FILES, GUARDRAILS, SCHEMA),
  text: canonicalJson({ files: FILES, guardrails: GUARDRAILS, schema: SCHEMA }),
};

export function aTask(): TaskRecord {
  const attested = canonicalJson({
    ...{ facts: '{}', selectors: ['unix:gid:2000', 'unix:uid:2000'], claimed: ['unix:path:/usr/bin/node'] },
    secrets: 'none-seen',
  });
  const said = {
    ...{
      identity: AGENT,
      parent: null,
      grant: null,
      purpose: 'refund ticket 4711',
      pid: 4_242,
      uid: 2_000,
      startTime: '987654',
    },
    ...{ attested, intents: [{ target: 'payments', action: 'refund', resource: null }] },
  };
  return {
    ...{ ...said, id: TASK, root: TASK, depth: 0, gid: 2_000, deadline: BEGUN + 60 * MINUTE, createdAt: BEGUN },
    digest: digestOf(said, 60 * MINUTE),
    ...{ policyHash: POLICY.hash, state: 'pending', stateSince: BEGUN, end: null, endReason: null, revision: 1 },
  };
}

export function requestFor(task: TaskRecord, change: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return taskRequest({
    ...{ id: task.id, identity: task.identity, purpose: task.purpose, deadline: task.deadline, uid: task.uid },
    ...{ pid: task.pid, started: Number(task.startTime), selectors: ['unix:gid:2000', 'unix:uid:2000'] },
    ...{ executable: '/usr/bin/node', sha256: null, policyHash: task.policyHash, log: ORIGIN, needCount: 2 },
    targets: [
      {
        ...{ name: 'payments', owner: 'team:payments', environment: 'production', impact: 'high', irrevocable: false },
        intents: ['payments:refund'],
      },
    ],
    ...{ needStrength: 1, notAfter: BEGUN + 15 * MINUTE },
    ...change,
  });
}

/** `change`: of what people are asked. */
export function story(change: Partial<ApprovalRequest> = {}): Story {
  const keys = new Map([
    ['alice', newSshKey('ssh-ed25519')],
    ['bob', newSshKey('ecdsa-sha2-nistp256')],
  ]);
  const task = aTask();
  const request = requestFor(task, change);
  const told = [
    filler(),
    human('alice', 70_001, keys.get('alice') as TestSshKey),
    human('bob', 70_002, keys.get('bob') as TestSshKey),
    filler(),
    ofTask('task.pending', BEGUN, taskRow(taskValues(task))),
    asked('open', request, BEGUN, 'pending', 1),
    vote('alice', keys.get('alice') as TestSshKey, request, BEGUN + MINUTE),
    asked('voted', request, BEGUN + MINUTE, 'pending', 2),
    vote('bob', keys.get('bob') as TestSshKey, request, BEGUN + 2 * MINUTE),
    asked('approved', request, BEGUN + 2 * MINUTE, 'approved', 3),
    step(task, 'active', BEGUN + 2 * MINUTE, 2),
    issued('issue.x509', 71, 'a1'.repeat(16), BEGUN + 3 * MINUTE),
    filler(),
    issued('issue.jwt', 72, 'b2'.repeat(16), BEGUN + 4 * MINUTE, '["payments"]'),
    { ...event('issue.undelivered', BEGUN + 4 * MINUTE, { seq: 72, reason: 'gone' }), actor: 'assay' },
    { ...step({ ...task, id: CHILD, parent: TASK, depth: 1 }, 'active', BEGUN + 5 * MINUTE, 1), task: CHILD },
    step(task, 'ended', BEGUN + 6 * MINUTE, 3),
    revocation(['a1'.repeat(16), 'b2'.repeat(16)], BEGUN + 6 * MINUTE),
    filler(),
  ];
  const of = (kind: string, at = 0): Told => told.filter((one) => one.kind === kind)[at] as Told;
  const everywhere = (column: string, from: unknown, to: unknown): void => {
    for (const { said } of told) if (said[column] === from) Object.assign(said, { [column]: to });
  };
  const without = (...kinds: string[]): void => {
    for (const one of told) if (kinds.some((kind) => one.kind.startsWith(kind))) one.left = true;
  };
  return { told, keys, request, policies: [POLICY], of, everywhere, without };
}

function event(kind: string, at: number, said: object): Told {
  return { kind, at, actor: 'uid:0', identity: null, task: null, said: { ...said } };
}

const filler = (): Told => ({ ...event('daemon.start', BEGUN, { version: '0' }), left: true });
const ofTask = (kind: string, at: number, said: object): Told => ({
  ...event(kind, at, said),
  ...{ identity: AGENT, task: TASK, actor: AGENT },
});

export function step(task: TaskRecord, state: 'active' | 'ended', at: number, revision: number): Told {
  const over = state === 'ended' ? ({ end: 'completed', endReason: 'exit status 0' } as const) : {};
  return ofTask(`task.${state}`, at, taskRow(taskValues({ ...task, state, stateSince: at, revision, ...over })));
}

function human(name: string, uid: number, key: TestSshKey): Told {
  const fingerprint = sshFingerprint(key.bytes);
  const row = { fingerprint, type: key.type, blob: key.blob, addedAt: BEGUN - MINUTE, addedBy: 'uid:0', vouched: null };
  const person = {
    ...{ name, email: null, uids: [uid], teams: ['ops'], keys: [row], active: true, leftReason: null },
    ...{ createdAt: BEGUN - MINUTE, createdBy: 'uid:0', revision: 2 },
  };
  return event('human.key_add', BEGUN - MINUTE, humanRow(humanValues(person), [keyValues(row)]));
}

export function asked(
  stepName: string,
  request: ApprovalRequest,
  at: number,
  state: ApprovalRecord['state'],
  revision: number,
): Told {
  const record: ApprovalRecord = {
    ...{ id: request.id, kind: 'task', identity: AGENT, request: requestText(request), digest: requestDigest(request) },
    ...{
      agent: '{"gids":[2000],"uids":[2000]}',
      uid: 2_000,
      quorum: request.needCount,
      strength: request.needStrength,
    },
    ...{ createdAt: BEGUN, notAfter: request.notAfter, state, stateSince: at, revision },
    stateReason: state === 'pending' ? null : `${state} by somebody`,
  };
  return ofTask(`approval.${stepName}`, at, approvalRow(approvalValues(record)));
}

export function vote(
  name: string,
  key: TestSshKey,
  request: ApprovalRequest,
  at: number,
  said: Partial<Statement> = {},
  how: object = {},
): Told {
  const statement = statementText({ decision: 'approve', human: name, reason: null, request, ...said });
  const decision = said.decision ?? 'approve';
  const row = voteRow(
    voteValues({
      ...{ request: request.id, human: name, decision, fingerprint: sshFingerprint(key.bytes), strength: 1 },
      ...{ proof: 'none', counter: null, statement, at },
      signature: armor(rawSshsig(key, statement, how)),
    }),
  );
  return ofTask(`vote.${decision}`, at, row);
}

export function issued(kind: string, seq: number, serial: string, at: number, audiences = ''): Told {
  const row: IssuancePayload = {
    ...{ seq, serial, entryId: 'e', authorityId: 'a', notBefore: at - 10_000, notAfter: at + 15 * MINUTE },
    ...{ askedTtlMs: 15 * MINUTE, pid: 4_242, uid: 2_000, gid: 2_000, startTime: '987654', marks: '', facts: '{}' },
    audiences,
  };
  return ofTask(kind, at, JSON.parse(issuancePayload(row)) as object);
}

export function revocation(serials: readonly string[], at: number, what = 'task', key = TASK): Told {
  return { ...event('issue.revoke', at, { what, key, reason: 'its task ended: completed', serials }), identity: AGENT };
}

/** The log of a story, and the file of it. */
export function logged({ told, policies }: Pick<Story, 'told' | 'policies'>, signer = logSigner()): Evidence {
  const events = told.map(asEvent);
  const leaves = events.map(eventLeaf);
  const subtree: Subtree = (level, index) =>
    level === 0
      ? (leaves[index] as Buffer)
      : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  const size = events.length;
  return {
    task: TASK,
    checkpoint: signCheckpoint({ origin: signer.name, size, root: rootOf(size, subtree) }, signer),
    verifierKey: verifierKey(signer),
    events: events
      .filter((_, at) => told[at]?.left !== true)
      .map((one) => ({
        ...one,
        proof: inclusionProof(one.seq, size, subtree),
        said: told[one.seq]?.gone === true ? null : one.said,
      })),
    policies,
  };
}

function asEvent({ kind, at, actor, identity, task, said }: Told, seq: number): EvidenceEvent {
  const payload = canonicalJson(said);
  const salt = randomBytes(16);
  const payloadSha256 = payloadHash(salt.toString('hex'), payload);
  return { seq, at, kind, actor, identity, task, payloadSha256, said: { salt, payload }, proof: [] };
}
