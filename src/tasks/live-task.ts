// SPDX-License-Identifier: Apache-2.0
/** One task while it is pending or active: its leader, who holds the lease, its socket and its timers. */
import type { Clock, Timer } from '../lib/clock.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyAttested, UidRelation } from '../policy/contract.ts';
import type { TaskRecord } from '../store/tasks.ts';
import type { TaskSocket, TaskUpdate } from './rooms.ts';

/** One open stream. After `ended` it hears nothing more. */
export interface TaskFollower {
  tell(update: TaskUpdate): void;
}

/** Timers may be late and clocks jump: it is looked at this often at least. */
const LONGEST_WAIT_MS = 60_000;

export class LiveTask {
  record: TaskRecord;
  /** By which the same asked for again is found. */
  key = '';
  /** Gives its place among all tasks back. */
  givePlaceBack: () => void = () => undefined;
  socket: TaskSocket | undefined;
  /** Static secrets in the environment of its leader, as it began. */
  readonly secrets: PolicyAttested['secrets'];
  readonly uidRelation: UidRelation;
  readonly leader: ProcessHandle;
  readonly followers = new Set<TaskFollower>();
  readonly #clock: Clock;
  readonly #due: (task: LiveTask) => void;
  readonly #pendingMs: number;
  readonly #forgetLeader: () => void;
  #timer: Timer | undefined;
  #last: TaskUpdate | undefined;
  #turn: Promise<void> = Promise.resolve();
  #left = false;

  /** `due`: its time is over; `gone`: its leader ended. Both may be called more than once. */
  constructor(
    record: TaskRecord,
    leader: ProcessHandle,
    seen: Pick<LiveTask, 'secrets' | 'uidRelation'>,
    pendingMs: number,
    clock: Clock,
    due: (task: LiveTask) => void,
    gone: (task: LiveTask, reason: string) => void,
  ) {
    this.record = record;
    this.leader = leader;
    this.secrets = seen.secrets;
    this.uidRelation = seen.uidRelation;
    this.#pendingMs = pendingMs;
    this.#clock = clock;
    this.#due = due;
    // guard: I7 test/tasks/tasks.test.ts
    this.#forgetLeader = leader.onEnd((reason) => gone(this, reason));
    this.wait();
  }

  /** When time ends it: its deadline, and while it waits for people the end of that. */
  get endsAt(): number {
    const { state, stateSince, deadline } = this.record;
    return state === 'pending' ? Math.min(deadline, stateSince + this.#pendingMs) : deadline;
  }

  /** People and policy agreed. */
  activate(record: TaskRecord): void {
    // One that ended while this was written stays ended.
    if (this.record.end !== null) return;
    this.record = record;
    this.wait();
  }

  wait(): void {
    this.#timer?.cancel();
    const left = this.endsAt - this.#clock.now();
    if (left <= 0) this.#due(this);
    else this.#timer = this.#clock.after(Math.min(left, LONGEST_WAIT_MS), () => this.wait());
  }

  /** A stream that comes later hears what stands. */
  join(follower: TaskFollower): void {
    this.followers.add(follower);
    if (this.#last !== undefined) follower.tell(this.#last);
  }

  /** True where it was the last: nobody may join any more. */
  leave(follower: TaskFollower): boolean {
    if (!this.followers.delete(follower) || this.followers.size > 0) return false;
    this.#left = true;
    return true;
  }

  /** Its last follower has gone. One that ended while it had followers is not left: who comes late hears of that. */
  get isLeft(): boolean {
    return this.#left;
  }

  tell(update: TaskUpdate): void {
    this.#last = update;
    for (const follower of [...this.followers]) follower.tell(update);
  }

  /** One after the other. What fails is the business of `step`. */
  inTurn(step: () => Promise<void>): void {
    this.#turn = this.#turn.then(step).catch(() => undefined);
  }

  /** It is over: nothing of it is kept. */
  finish(record: TaskRecord): void {
    this.record = record;
    this.#timer?.cancel();
    this.#forgetLeader();
    this.tell({ kind: 'ended', task: record });
    this.followers.clear();
  }
}
