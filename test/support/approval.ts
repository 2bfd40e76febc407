// SPDX-License-Identifier: Apache-2.0
/** Requests as a daemon would ask them, and any that could be asked. */
import fc from 'fast-check';
import type { ApprovalRequest, RequestTarget } from '../../src/approvals/request.ts';
import { unfitIn } from '../../src/lib/visible-text.ts';

/** 2026-03-01T12:00:00Z. */
export const NOW = Date.UTC(2026, 2, 1, 12);

export const refunds: RequestTarget = {
  name: 'payments',
  owner: 'team:payments',
  environment: 'production',
  impact: 'high',
  irrevocable: false,
  intents: ['payments:read', 'payments:refund'],
};

export function taskRequest(change: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    kind: 'task',
    id: '01JTASK0000000000000000000',
    identity: 'spiffe://example.org/agent/support-bot',
    targets: [refunds],
    purpose: 'refund ticket 4711',
    deadline: NOW + 1_200_000,
    parent: null,
    grant: null,
    from: null,
    mostTasks: null,
    taskSeconds: null,
    delegates: [],
    requestedBy: null,
    uid: 1_000,
    pid: 4_242,
    started: 987_654,
    selectors: ['unix:gid:1000', 'unix:uid:1000'],
    executable: '/usr/bin/node',
    sha256: 'ab'.repeat(32),
    secrets: 'none-seen',
    findings: [],
    owner: 'human:alice',
    needCount: 1,
    needStrength: 2,
    needOtherUid: false,
    because: ['high-impact-needs-human'],
    policyHash: 'cd'.repeat(32),
    trustDomain: 'example.org',
    log: 'example.org/log/1',
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    notAfter: NOW + 900_000,
    ...change,
  };
}

/** What only a task has. */
const NO_TASK = { parent: null, grant: null, executable: null, sha256: null, selectors: [] } as const;

export function grantRequest(change: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return taskRequest({
    kind: 'grant',
    from: NOW,
    mostTasks: 20,
    taskSeconds: 1_200,
    delegates: ['spiffe://example.org/agent/mailer'],
    requestedBy: 'bob',
    uid: null,
    pid: null,
    started: null,
    secrets: null,
    ...NO_TASK,
    ...change,
  });
}

const TIME = fc.integer({ min: 0, max: 253_402_300_799_999 });
const WORD = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/);
const HUMAN = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/);
const HASH = fc.stringMatching(/^[0-9a-f]{64}$/);
/** Anything that people can see, with what means something around it. */
const VISIBLE = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({
      unit: fc.constantFrom('"', '\\', 'u', '{', '}', ' ', ',', 'а', '́', 'é', '漢', '⠀', ' ', 'ש', '-', '!'),
    }),
  )
  .filter((text) => text !== '' && text.length <= 200 && unfitIn(text) === undefined);
const SET = (one: fc.Arbitrary<string>, minLength = 0): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(one, { minLength, maxLength: 5 }).map((list) => list.sort());
const ANY = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }).filter((text) => text.isWellFormed());
const SPIFFE_ID = WORD.filter((word) => !/^\.+$/.test(word)).map((word) => `spiffe://example.org/${word}`);

const TARGET: fc.Arbitrary<RequestTarget> = fc.record({
  name: WORD,
  owner: VISIBLE,
  environment: fc.option(VISIBLE.filter((text) => text.length <= 64)),
  impact: fc.constantFrom('low', 'high'),
  irrevocable: fc.boolean(),
  intents: SET(VISIBLE, 1),
});

export const ANY_REQUEST: fc.Arbitrary<ApprovalRequest> = fc
  .record({
    id: WORD,
    identity: SPIFFE_ID,
    targets: fc.uniqueArray(TARGET, { minLength: 1, maxLength: 8, selector: ({ name }) => name }),
    purpose: VISIBLE,
    deadline: TIME,
    parent: fc.option(WORD),
    grant: fc.option(WORD),
    requestedBy: fc.option(HUMAN),
    selectors: SET(ANY),
    executable: fc.option(ANY.map((text) => `/${text}`)),
    sha256: fc.option(HASH),
    findings: SET(WORD),
    owner: VISIBLE,
    needCount: fc.integer({ min: 1, max: 16 }),
    needStrength: fc.constantFrom(1, 2, 3),
    needOtherUid: fc.boolean(),
    because: SET(WORD),
    policyHash: HASH,
    log: fc.constantFrom('example.org', 'example.org/log/2'),
    nonce: fc.stringMatching(/^[A-Za-z0-9_-]{22}$/),
    notAfter: TIME,
  } as const)
  .chain((change) =>
    fc
      .record({ isTask: fc.boolean(), pid: fc.integer({ min: 1, max: 4_194_304 }), delegates: SET(SPIFFE_ID) })
      .map(({ isTask, pid, delegates }) =>
        isTask
          ? taskRequest({ ...change, pid } as Partial<ApprovalRequest>)
          : grantRequest({ ...change, ...NO_TASK, delegates } as Partial<ApprovalRequest>),
      ),
  );
