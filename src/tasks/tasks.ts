// SPDX-License-Identifier: Apache-2.0
/**
 * Tasks, from the first message of a stream to the end of everything that was given in them. The stream is the lease: who
 * holds it is the process that leads the task, and when its last stream closes, or it exits, the task is over.
 *
 * Whatever ends a task is one transaction of the store; all else here follows its change, and so also follows an end that
 * came from elsewhere: an operator, a suspended identity, a parent.
 */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision } from '../policy/contract.ts';
import { type Change, isStale } from '../store/records.ts';
import type { EndedTask, TaskEnd, TaskRecord } from '../store/tasks.ts';
import { decideBegin, grantFor } from './begin.ts';
import { type Caller, lookAtCaller } from './caller.ts';
import { Crowd } from './crowd.ts';
import { wordsOf } from './decide.ts';
import { DenialBudget } from './denial-budget.ts';
import { leaseNow } from './issue.ts';
import { LiveTask, type TaskFollower } from './live-task.ts';
import { asDecided, newTask, reasonsOf } from './new-task.ts';
import { parentFor } from './parent.ts';
import { leavePending } from './pending.ts';
import { denied, leaderOnly, STALE_TRIES } from './refusals.ts';
import { type AskedTask, parseTask, type TaskRequest } from './request.ts';
import type { TaskRooms } from './rooms.ts';
import { SameTasks } from './same-tasks.ts';

/** Who ends what nobody ended. */
const DAEMON = 'assay';

export interface Held {
  readonly task: TaskRecord;
  /** The stream has closed; the last one of a task ends it. Idempotent. */
  closed(): void;
}

export class Tasks {
  readonly #rooms: TaskRooms;
  readonly #live = new Map<string, LiveTask>();
  /** By process and digest. */
  readonly #same = new SameTasks();
  readonly #denials: DenialBudget;
  readonly #crowd: Crowd;
  readonly #forget: () => void;

  constructor(rooms: TaskRooms) {
    this.#rooms = rooms;
    this.#denials = new DenialBudget(rooms.clock);
    this.#crowd = new Crowd(rooms.settings);
    this.#forget = rooms.changes.onChanges((changes) => this.#changed(changes));
    rooms.approvals.onVoice((id, end) => this.#heard(id, end));
  }

  /** Of a daemon that is no more: their streams are closed, so they are over. Before the first caller. */
  async endLeftovers(): Promise<void> {
    for (const { id } of this.#rooms.store.live()) await this.#end(id, 'abandoned', 'the daemon ended', DAEMON);
  }

  get size(): number {
    return this.#live.size;
  }

  /**
   * Begins one, or joins the same one. `follower` is told how it stands, from then on; a refusal rejects, and is written down
   * where policy refused. `signal`: the stream closed meanwhile.
   */
  async run(process: ProcessHandle, asked: AskedTask, follower: TaskFollower, signal: AbortSignal): Promise<Held> {
    const request = parseTask(asked, this.#rooms.settings);
    let live = await this.#decided(process, request, signal);
    // guard: I7 test/tasks/same.test.ts — whoever held it has gone meanwhile, so it is about to end
    while (live.isLeft) live = await this.#decided(process, request, signal);
    live.join(follower);
    const held = this.#heldBy(live, follower);
    if (signal.aborted) held.closed();
    return held;
  }

  /** What was decided on may change before it is written: then again, from the look at the caller. */
  async #decided(process: ProcessHandle, request: TaskRequest, signal: AbortSignal): Promise<LiveTask> {
    for (let tries = 1; ; tries += 1) {
      const caller = await lookAtCaller(this.#rooms, process, request.identity, signal);
      const parent =
        request.parent === ''
          ? undefined
          : parentFor(this.#rooms, this.#live.get(request.parent), process, request, caller.identity.spiffeId);
      const grant = grantFor(this.#rooms, process, request, caller);
      const record = newTask(this.#rooms, process, request, caller, parent, grant);
      const key = `${process.key} ${record.digest}`;
      try {
        return await this.#same.ask(key, () => this.#begin(process, record, caller, request.ttlMs, key));
      } catch (error) {
        if (!isStale(error) || tries >= STALE_TRIES) throw error;
      }
    }
  }

  /** By the process that leads it. */
  async end(process: ProcessHandle, id: string, isFailed: boolean, summary: string): Promise<void> {
    const live = this.#live.get(id);
    // guard: A12 test/tasks/tasks.test.ts
    if (live === undefined || live.leader.key !== process.key) throw leaderOnly(id);
    // What never began was neither done nor failed at.
    const end = live.record.state === 'pending' ? 'withdrawn' : isFailed ? 'failed' : 'completed';
    await this.#end(id, end, summary, live.record.identity);
  }

  /** By an operator. Resolves with all that ended with it. */
  revoke(id: string, reason: string, by: string): Promise<readonly EndedTask[]> {
    return this.#end(id, 'revoked', reason, by);
  }

  /** Ends all: their streams end with the daemon. */
  async close(): Promise<void> {
    await Promise.allSettled(
      [...this.#live.keys()].map((id) => this.#end(id, 'abandoned', 'the daemon stopped', DAEMON)),
    );
    this.#forget();
  }

  async #begin(
    process: ProcessHandle,
    record: TaskRecord,
    caller: Caller,
    ttlMs: number,
    key: string,
  ): Promise<LiveTask> {
    const leave = this.#crowd.enter(this.#rooms.ownerOf(process));
    try {
      return await this.#decideAndEnter(process, record, caller, ttlMs, key, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #decideAndEnter(
    process: ProcessHandle,
    record: TaskRecord,
    caller: Caller,
    ttlMs: number,
    key: string,
    leave: () => void,
  ): Promise<LiveTask> {
    const { decision, uidRelation } = decideBegin(this.#rooms, process, record, caller, ttlMs);
    const begun = asDecided(record, decision);
    // guard: I9 test/tasks/tasks.test.ts — who is denied again and again fills no disk
    if (decision.outcome === 'deny') this.#denials.take(this.#rooms.ownerOf(process));
    await this.#rooms.store.create(begun, caller.identity.revision, begun.identity);
    this.#rooms.noticed?.({ kind: 'decided', task: begun, decision });
    if (decision.outcome === 'deny') throw denied(begun.id, reasonsOf(decision));
    const live = this.#stand(process, begun, { secrets: caller.attested.secrets, uidRelation }, key, leave);
    return this.#enter(live, decision);
  }

  #stand(
    process: ProcessHandle,
    record: TaskRecord,
    seen: Pick<LiveTask, 'secrets' | 'uidRelation'>,
    key: string,
    leave: () => void,
  ): LiveTask {
    const { settings, clock } = this.#rooms;
    const live = new LiveTask(
      record,
      process,
      seen,
      settings.pendingMs,
      clock,
      (task) => this.#endAside(task, task.record.state === 'pending' ? 'timeout' : 'expired', 'its time is over'),
      (task, reason) => this.#endAside(task, 'abandoned', `its process is no longer the same: ${reason}`),
    );
    live.key = key;
    live.givePlaceBack = leave;
    this.#live.set(record.id, live);
    return live;
  }

  async #enter(live: LiveTask, decision: PolicyDecision): Promise<LiveTask> {
    const { record } = live;
    // It may have been ended, by an operator or with its identity, before it stood here.
    const stored = this.#rooms.store.get(record.id);
    if (stored !== undefined && stored.end !== null) this.#finish(live, stored);
    else if (decision.outcome === 'approve') await this.#ask(live, decision);
    else await this.#open(live);
    return live;
  }

  async #ask(live: LiveTask, decision: PolicyDecision & { readonly outcome: 'approve' }): Promise<void> {
    try {
      await this.#rooms.approvals.open(live.record, decision, live.leader);
      live.tell({ kind: 'pending', task: live.record, ...wordsOf(decision) });
    } catch (error) {
      await this.#endAside(live, 'timeout', 'nobody could be asked');
      throw error;
    }
  }

  #heard(id: string, end?: { readonly kind: 'rejected' | 'withdrawn'; readonly reason: string }): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    if (end === undefined) {
      live.inTurn(() => this.#reconsider(live));
      return;
    }
    const kind = live.record.state === 'pending' ? end.kind : 'revoked';
    // guard: C1 test/tasks/pending.test.ts — who takes their word back ends what began with it
    void this.#endAside(live, kind, end.reason);
  }

  /** Votes came in. */
  async #reconsider(live: LiveTask): Promise<void> {
    try {
      const left = await leavePending(this.#rooms, live);
      if (typeof left === 'object') await this.#endAside(live, left.end, left.reason);
      // It may have ended since.
      else if (left === 'active' && this.#live.has(live.record.id)) await this.#open(live);
    } catch (error) {
      this.#rooms.log.error({ task: live.record.id, err: error }, 'votes on a task could not be looked at');
    }
  }

  async #open(live: LiveTask): Promise<void> {
    const { id, identity } = live.record;
    try {
      const socket = await this.#rooms.openSocket(
        {
          taskId: id,
          lease: (selectors) => leaseNow(this.#rooms, live, selectors),
          requireMember: async (process) => {
            // guard: A12 test/tasks/members.test.ts
            if (!this.#rooms.isBelow(process, live.leader)) throw leaderOnly(id);
          },
        },
        live.leader,
      );
      live.socket = socket;
      if (live.record.state !== 'active') await socket.close();
      else live.tell({ kind: 'active', task: live.record, subject: `${identity}/task/${id}`, socket: socket.path });
    } catch (error) {
      await this.#endAside(live, 'failed', 'its socket could not be opened');
      throw error;
    }
  }

  #heldBy(live: LiveTask, follower: TaskFollower): Held {
    return {
      get task() {
        return live.record;
      },
      closed: () => {
        if (!live.leave(follower)) return;
        // guard: I7 test/tasks/same.test.ts — who asks for the same again has another
        this.#same.forget(live);
        // guard: I7 test/tasks/tasks.test.ts — the stream is the lease
        void this.#endAside(live, 'abandoned', 'its stream closed');
      },
    };
  }

  /** Never rejects: tried again until it is written, since what it was given must not live on. */
  async #endAside(live: LiveTask, end: TaskEnd, reason: string): Promise<void> {
    try {
      await this.#end(live.record.id, end, reason, DAEMON);
    } catch (err) {
      this.#rooms.log.error({ task: live.record.id, err }, 'a task could not be ended; it is tried again');
      this.#rooms.clock.after(1_000, () => this.#live.has(live.record.id) && void this.#endAside(live, end, reason));
    }
  }

  #end(id: string, end: TaskEnd, reason: string, by: string): Promise<readonly EndedTask[]> {
    return this.#rooms.store.end(id, end, reason, by, this.#rooms.clock.now());
  }

  #changed(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind !== 'task') continue;
      const live = this.#live.get(change.key);
      if (live !== undefined && change.task.end !== null) this.#finish(live, change.task);
    }
  }

  #finish(live: LiveTask, record: TaskRecord): void {
    this.#live.delete(record.id);
    this.#same.forget(live);
    live.finish(record);
    live.givePlaceBack();
    live.socket?.close().catch((error: unknown) => {
      this.#rooms.log.warn({ task: record.id, err: error }, "a task's socket could not be closed");
    });
  }
}
