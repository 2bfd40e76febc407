// SPDX-License-Identifier: Apache-2.0
/** Approvals on a real store and registry, with people who have real keys; policy and what reaches a key are the test's. */

import type { OpenedRequest } from '../../src/approvals/approvals.ts';
import { armor } from '../../src/approvals/armor.ts';
import type { Enrolment } from '../../src/approvals/key-strength.ts';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import type { Submitted } from '../../src/approvals/signed.ts';
import { type Statement, statementText } from '../../src/approvals/statement.ts';
import { Ballots } from '../../src/ballots/ballots.ts';
import type { AskedOfPolicy } from '../../src/ballots/rooms.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { taskRequest } from './approval.ts';
import { FakeClock } from './fake-clock.ts';
import { lone, OPERATOR } from './lone.ts';
import { newSshKey, rawSshsig, type TestSshKey } from './sshsig.ts';

export const AGENT = 'spiffe://example.org/agent/support-bot';
/** A process of uid 2000, started by nobody else. */
export const APART = { uids: [2_000], gids: [2_000] };
export const WAIT_MS = 900_000;

export function signVote(key: TestSshKey, said: Statement, how: object = {}): Submitted {
  const statement = statementText(said);
  return { statement, signature: armor(rawSshsig(key, statement, how)) };
}

export async function ballotWorld(dataDir: string) {
  const clock = new FakeClock();
  const rooms = await lone({ dataDir, clock });
  const { registry, store } = rooms;
  const rules = {
    mayDecide: (_: AskedOfPolicy): boolean => true,
    enrolment: { highest: 1, proof: 'none' } as Enrolment,
  };
  const start = (): Ballots =>
    new Ballots({
      store: store.approvals,
      tasks: store.tasks,
      changes: store,
      people: registry.people,
      mayDecide: (asked) => rules.mayDecide(asked),
      enrolmentOf: () => rules.enrolment,
      reachOf: ({ uids }) => ({ uids, ranges: [], gids: [] }),
      clock,
      log: silentLogger,
    });
  const ballots = start();
  const decided: OpenedRequest[] = [];
  ballots.onDecided((one) => void decided.push(one));
  await registry.life.create({ spiffeId: AGENT, owner: 'uid:0' }, OPERATOR);
  const keys = new Map<string, TestSshKey>();
  const join = async (name: string, uid: number, type: TestSshKey['type'] = 'ssh-ed25519'): Promise<void> => {
    const key = newSshKey(type);
    keys.set(name, key);
    await registry.people.add({ name, uids: [uid], teams: [] }, OPERATOR);
    await registry.people.addKey(name, `${key.type} ${key.blob}`, OPERATOR);
  };
  const asks = (id: string, change: Partial<ApprovalRequest> = {}): ApprovalRequest =>
    taskRequest({
      ...{ id, uid: 2_000, needStrength: 1, deadline: clock.now() + 3_600_000, notAfter: clock.now() + WAIT_MS },
      ...change,
    });
  /** A task that waits, and people who are asked about it. */
  const ask = async (id: string, change: Partial<ApprovalRequest> = {}, agent: object = APART) => {
    await store.tasks.create(pendingTask(id, clock.now()), 1, AGENT);
    const request = asks(id, change);
    await ballots.open(request, agent as typeof APART, AGENT);
    return request;
  };
  const cast = (name: string, request: ApprovalRequest, change: Partial<Statement> = {}, how: object = {}) => {
    const said: Statement = { decision: 'approve', human: name, reason: null, request, ...change };
    return ballots.submit(request.id, signVote(keys.get(name) as TestSshKey, said, how), 'uid:7');
  };
  /** Time passes, and what was written meanwhile is told. */
  const later = async (ms: number, done: () => boolean): Promise<boolean> => {
    await clock.advance(ms);
    for (let at = 0; at < 400 && !done(); at += 1) {
      await clock.advance(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return done();
  };
  const close = async (): Promise<void> => {
    ballots.close();
    await rooms.close();
  };
  return { ...rooms, clock, ballots, start, rules, decided, keys, join, asks, ask, cast, later, close };
}

export function pendingTask(id: string, now: number): TaskRecord {
  return {
    ...{ id, root: id, identity: AGENT, parent: null, grant: null, depth: 0, purpose: 'refund ticket 4711' },
    intents: [{ target: 'payments', action: 'refund', resource: null }],
    ...{ deadline: now + 3_600_000, pid: 4_242, uid: 2_000, gid: 2_000, startTime: '987654', attested: '{}' },
    ...{ digest: 'ab'.repeat(32), policyHash: '', state: 'pending', stateSince: now, end: null, endReason: null },
    ...{ createdAt: now, revision: 1 },
  };
}
