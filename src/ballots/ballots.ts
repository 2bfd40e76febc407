// SPDX-License-Identifier: Apache-2.0
/**
 * Approval requests as they stand: asked, voted on, decided. A vote is verified and judged here and judged again in the writer, with
 * everything that may have moved meanwhile; what comes of it is told as it is written.
 *
 * Time ends a request and never approves it.
 */
import { openApproval } from '../approvals/approval.ts';
import type { Approvals, OpenedRequest } from '../approvals/approvals.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import type { ApproverKey, Submitted } from '../approvals/signed.ts';
import { parseStatement, refuseUnfit, requestDigest, requestText } from '../approvals/statement.ts';
import type { AgentOwners } from '../approvals/uid-relation.ts';
import type { Timer } from '../lib/clock.ts';
import type { ApprovalRecord, VoteRecord } from '../store/approvals.ts';
import { type Change, isStale } from '../store/records.ts';
import { judge, requestOf } from './judge.ts';
import { outcomeOf } from './outcome.ts';
import { countsNothing, notAsked, overAlready } from './refusals.ts';
import type { BallotRooms } from './rooms.ts';

/** Who ends what nobody ended. */
const DAEMON = 'assay';
/** Timers may be late and clocks jump: it is looked at this often at least. */
const LONGEST_WAIT_MS = 60_000;
const AGAIN_MS = 1_000;
/** People who change faster than a vote can be written. */
const STALE_TRIES = 5;

export class Ballots implements Approvals {
  readonly #rooms: BallotRooms;
  /** Until when each is asked. */
  readonly #pending = new Map<string, number>();
  readonly #listeners = new Set<(decided: OpenedRequest) => void>();
  readonly #forget: () => void;
  #timer: Timer | undefined;

  constructor(rooms: BallotRooms) {
    this.#rooms = rooms;
    this.#forget = rooms.changes.onChanges((changes) => {
      for (const change of changes) this.#changed(change);
    });
    for (const { id, notAfter } of rooms.store.pending()) this.#pending.set(id, notAfter);
    this.#wait();
  }

  async open(request: ApprovalRequest, agent: AgentOwners, by: string): Promise<OpenedRequest> {
    refuseUnfit(request);
    const { store, clock } = this.#rooms;
    const now = clock.now();
    const record: ApprovalRecord = {
      id: request.id,
      kind: request.kind,
      identity: request.identity,
      request: requestText(request),
      digest: requestDigest(request),
      agent: agentText(agent),
      uid: request.uid,
      quorum: request.needCount,
      strength: request.needStrength,
      createdAt: now,
      notAfter: request.notAfter,
      state: 'pending',
      stateSince: now,
      stateReason: null,
      revision: 1,
    };
    // guard: C4 test/ballots/ballots.test.ts — what is over before it is asked is no question
    if (request.notAfter <= now) throw overAlready(request.id, request.notAfter);
    const isNew = !this.#pending.has(record.id);
    this.#pending.set(record.id, record.notAfter);
    try {
      await store.open(record, by);
    } catch (error) {
      if (isNew) this.#pending.delete(record.id);
      throw error;
    }
    this.#wait();
    return this.#opened(store.get(record.id) as ApprovalRecord);
  }

  /**
   * What a human signed, of the request `id`: a vote, or that they take theirs back; by whom it came in says nothing. Resolves with
   * how the request stands then.
   *
   * Rejects with ('not-found', 'APPROVAL_NOT_FOUND'), ('failed-precondition', 'APPROVAL_OVER' | 'APPROVAL_OTHER_REQUEST'),
   * ('permission-denied', 'APPROVAL_KEY_UNKNOWN' | 'VOTE_COUNTS_NOTHING'), ('already-exists', 'VOTE_EXISTS'), ('not-found', 'VOTE_NOT_FOUND'), and what
   * `parseStatement` and `verifySshsig` throw.
   */
  async submit(id: string, submitted: Submitted, by: string): Promise<OpenedRequest> {
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#opened(await this.#cast(id, submitted, by));
      } catch (error) {
        if (!isStale(error) || tries >= STALE_TRIES) throw error;
      }
    }
  }

  state(id: string, agent?: AgentOwners): OpenedRequest | undefined {
    const record = this.#rooms.store.get(id);
    if (record === undefined) return undefined;
    return this.#opened(agent === undefined ? record : { ...record, agent: agentText(agent) });
  }

  onDecided(listener: (decided: OpenedRequest) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async withdraw(id: string, reason: string, by: string): Promise<boolean> {
    const { store, clock } = this.#rooms;
    return (await store.decide(id, { state: 'withdrawn', reason }, by, clock.now())) !== undefined;
  }

  /** Those whose task ended with a daemon that is no more. Before the first caller, and after tasks' own. */
  async endLeftovers(): Promise<void> {
    for (const { id, kind } of this.#rooms.store.pending())
      if (kind === 'task' && this.#rooms.tasks.get(id)?.state !== 'pending')
        await this.withdraw(id, 'its task is over', DAEMON);
  }

  close(): void {
    this.#forget();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#listeners.clear();
    this.#pending.clear();
  }

  async #cast(id: string, submitted: Submitted, by: string): Promise<ApprovalRecord> {
    const { store, clock, people } = this.#rooms;
    const now = clock.now();
    const record = store.get(id);
    if (record === undefined) throw notAsked(id);
    // The writer refuses it as well; here nothing is verified for it.
    const { decision } = parseStatement(submitted.statement);
    if (record.state !== 'pending' && !(decision === 'withdraw' && record.state === 'approved'))
      throw overAlready(id, record.notAfter, record.state);
    const opened = openApproval(submitted, requestOf(record), (name) => this.#keysOf(name), now);
    const vote: VoteRecord = {
      ...submitted,
      request: id,
      human: opened.vote.human,
      decision,
      fingerprint: opened.vote.fingerprint,
      strength: opened.vote.strength,
      proof: opened.proof,
      counter: opened.counter ?? null,
      at: now,
    };
    if (decision === 'withdraw') return this.#takeBack(record, { ...vote, decision }, opened.statement.reason, by);
    const [unfit] = judge(this.#rooms, record, [vote], now).void;
    // guard: C2 test/ballots/ballots.test.ts — what counts for nothing is told, and not kept
    if (unfit !== undefined) throw countsNothing(id, unfit);
    const came = judge(this.#rooms, record, [...store.votes(id), vote], now);
    const names = new Set([vote.human, ...came.approvals.map(({ human }) => human)]);
    const humans = [...names].map((name) => [name, people.get(name)?.revision ?? 0] as const);
    return store.vote(vote, { revision: record.revision, humans }, outcomeOf(came, opened.statement.reason), by);
  }

  /** Needs neither a strength nor policy's leave: it takes nothing but what they gave. */
  #takeBack(
    record: ApprovalRecord,
    vote: VoteRecord & { readonly decision: 'withdraw' },
    said: string | null,
    by: string,
  ): Promise<ApprovalRecord> {
    const human = this.#rooms.people.get(vote.human);
    // guard: C2 test/ballots/taken-back.test.ts
    if (human?.active !== true) throw countsNothing(record.id, { human: vote.human, why: 'they have left' });
    const humans = [[human.name, human.revision] as const];
    const reason = `${human.name} took their approval back${said === null ? '' : `: ${said}`}`;
    return this.#rooms.store.takeBack(vote, { revision: record.revision, humans }, reason, by);
  }

  #keysOf(name: string): readonly ApproverKey[] {
    const human = this.#rooms.people.get(name);
    return (human?.keys ?? []).map((key) => ({ blob: key.blob, ...this.#rooms.enrolmentOf(key) }));
  }

  #opened(record: ApprovalRecord): OpenedRequest {
    const { store, clock } = this.#rooms;
    const {
      approvals,
      rejectedBy,
      missing,
      void: unfit,
    } = judge(this.#rooms, record, store.votes(record.id), clock.now());
    const { id, state, stateReason: reason } = record;
    return { id, state, reason, request: requestOf(record), approvals, rejectedBy, missing, void: unfit };
  }

  #changed(change: Change): void {
    if (change.kind === 'task' && this.#pending.has(change.key) && change.task.state !== 'pending')
      this.#endAside(change.key, 'withdrawn', `its task is ${change.task.state}`);
    if (change.kind !== 'approval') return;
    // Committed together with what went before it, it is seen as decided twice: it is told once.
    if (change.approval.state !== 'pending' && this.#pending.delete(change.key)) this.#decided(change.approval);
  }

  #decided(record: ApprovalRecord): void {
    const decided = this.#opened(record);
    for (const listener of [...this.#listeners]) {
      try {
        listener(decided);
      } catch (error) {
        this.#rooms.log.error({ approval: record.id, err: error }, 'what was decided could not be told');
      }
    }
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.#rooms;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [id, notAfter] of this.#pending) {
      // guard: I7 test/ballots/ballots.test.ts
      if (notAfter <= now) this.#endAside(id, 'expired', 'its time is over');
      next = Math.min(next, notAfter <= now ? AGAIN_MS : notAfter - now);
    }
    if (this.#pending.size > 0) this.#timer = clock.after(Math.min(next, LONGEST_WAIT_MS), () => this.#wait());
  }

  /** Nobody waits for it. One that could not be written is tried again by the timer, and is over by comparison anyway. */
  #endAside(id: string, state: 'expired' | 'withdrawn', reason: string): void {
    const { store, clock, log } = this.#rooms;
    store.decide(id, { state, reason }, DAEMON, clock.now()).catch((error: unknown) => {
      log.error({ approval: id, err: error }, 'a request for approval could not be ended');
    });
  }
}

function agentText({ uids, gids }: AgentOwners): string {
  return JSON.stringify({ uids: uids ?? null, gids: gids ?? null });
}
