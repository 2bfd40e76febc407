// SPDX-License-Identifier: Apache-2.0
/**
 * One launch: a process that asked, over its own connection, to be known under a SPIFFE ID once it has become the program
 * it is about to start (attack A12). It is the pidfd that the kernel gave for that connection's peer, so no number is
 * ever taken from anybody; and it is watched from before the answer until it ends.
 *
 * It survives one exec, the launcher's into its program. Execs that the kernel reports are counted here, in order, as they
 * are heard. Where it reports none they are found by looking, and then the program must be what the launcher announced
 * (`started-program.ts`). Whatever cannot be told for certain ends the launch.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { readCgroups } from './cgroup-text.ts';
import type { LaunchEnd, LaunchFacts, LaunchTerms } from './launch-terms.ts';
import { duplicateFd, isReadable } from './native.ts';
import { OwnedFd } from './owned-fd.ts';
import type { ExecEvent } from './proc-connector.ts';
import { lookAt, ProcessGone } from './proc-look.ts';
import type { TrackedProcess } from './process.ts';
import type { CgroupMembership, EndReason, ProcessHandle } from './process-handle.ts';
import type { Hold, ProcessTable } from './process-table.ts';
import type { Started } from './started-program.ts';

export interface LaunchRooms {
  readonly table: Pick<ProcessTable, 'take'>;
  readonly clock: Clock;
  /** For the exec after the answer, and for the look at what it started. */
  readonly execWithinMs: number;
  readonly lookAtStarted: (process: TrackedProcess, counted: boolean, signal: AbortSignal) => Promise<Started>;
  /** It runs now, or runs another program. */
  readonly changed: () => void;
  /** Once, with the reason in words for an operator. */
  readonly ended: (end: LaunchEnd, why: string) => void;
}

/**
 * `binding`: not answered yet. `waiting`: for the launcher's exec. `starting`: it has come, and what it started is looked
 * at. Only a `running` one counts.
 */
type State = 'binding' | 'waiting' | 'starting' | 'running' | 'ended';

const EXECED_AGAIN = ['exec', 'it started another program'] as const;

/** In the middle of an exec there is nothing to look at yet. */
const LOOK_AGAIN_MS = 20;

export class Launch {
  readonly id: string;
  readonly pid: number;
  readonly uid: number;
  readonly terms: LaunchTerms;
  readonly #rooms: LaunchRooms;
  readonly #pidfd: OwnedFd;
  readonly #weak: boolean;
  readonly #since: bigint;
  readonly #abort = new AbortController();
  #state: State = 'binding';
  #hold: Hold;
  #forget: () => void = () => undefined;
  /** Execs that the kernel reported. */
  #execs = 0;
  /** An exec was found by looking. */
  #uncounted = false;
  #again = false;
  #starting: Promise<void> | undefined;
  #deadline: Timer | undefined;
  /** The program that was last found right, and where it lies. */
  #image: string | undefined;
  #program: string | undefined;
  #why: string | undefined;

  /** `hold` is the launch's own from here on. */
  constructor(id: string, hold: Hold, terms: LaunchTerms, rooms: LaunchRooms) {
    const { process } = hold;
    this.id = id;
    this.pid = process.pid;
    this.uid = process.uid;
    this.terms = terms;
    this.#rooms = rooms;
    this.#weak = process.weak;
    this.#since = process.enteredAt;
    this.#pidfd = new OwnedFd(duplicateFd(process.pidfd.number));
    this.#hold = hold;
    this.#follow(hold);
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Why it counts for nobody now, in words for an operator. */
  get idleBecause(): string {
    if (this.#why !== undefined) return `its launch has ended: ${this.#why}`;
    return 'it was bound by the launcher and has started no program yet';
  }

  /** From now on it waits for the exec. Call in the same breath as the last look at the launcher. */
  arm(): void {
    if (this.#state !== 'binding') return;
    this.#state = 'waiting';
    this.#setDeadline();
  }

  /** Read now, and rested on by nobody: the daemon itself is about to move it. */
  cgroups(): readonly CgroupMembership[] {
    return lookAt(this.#pidfd, this.pid, readCgroups);
  }

  /** The kernel reports an exec of this number. */
  heard(event: ExecEvent): void {
    // What happened before is how the launcher came to be; or it happened to the number's last holder.
    if (this.ended || event.at < this.#since) return;
    this.#execs += 1;
    // guard: A12 test/peer/launch-sweep.test.ts
    if (this.#execs > 1 && !this.terms.allowExec) this.end(...EXECED_AGAIN);
    else this.#execed();
  }

  /** What a process of this number that asks for an identity is: undefined unless it is the one that was launched. */
  async factsFor(process: ProcessHandle, signal: AbortSignal): Promise<LaunchFacts | undefined> {
    await this.caughtUp(signal);
    // guard: A12 test/peer/launch.test.ts — the very record that is watched, not whoever has the number
    if (this.#state !== 'running' || this.#hold.process !== process) return undefined;
    return { id: this.id, spiffeId: this.terms.spiffeId, program: this.#program, child: false };
  }

  /** For a process that was proven to be a child; undefined while the program does not run. */
  async factsForChild(signal: AbortSignal): Promise<LaunchFacts | undefined> {
    await this.caughtUp(signal);
    if (this.#state !== 'running') return undefined;
    return { id: this.id, spiffeId: this.terms.spiffeId, program: this.#program, child: true };
  }

  /** What has happened until now is known: an exec that nobody reports is looked for, and what it started looked at. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    // Whatever the look finds out, the record's end tells. Where the kernel reports execs, nothing is looked at.
    // guard: A12, A5 test/peer/launch.test.ts
    if (this.#starting === undefined) await this.#hold.process.lookAgain(signal).catch(() => undefined);
    while (this.#starting !== undefined) await aborted(this.#starting, signal);
  }

  /** Idempotent. */
  end(end: LaunchEnd, why: string): void {
    if (this.ended) return;
    this.#state = 'ended';
    this.#why = why;
    this.#abort.abort(new Failure('unavailable', 'LAUNCH_ENDED', `the launch has ended: ${why}`));
    this.#deadline?.cancel();
    this.#forget();
    this.#hold.release();
    this.#pidfd.close();
    this.#rooms.ended(end, why);
  }

  /** The process has execed, for whatever is known. */
  #execed(): void {
    // Not before it was answered: what it becomes was not agreed on.
    if (this.#state === 'binding') this.end('refused', 'it started a program before it was bound');
    if (this.ended) return;
    this.#forget();
    this.#state = 'starting';
    this.#setDeadline();
    this.#again = true;
    this.#starting ??= this.#start();
  }

  async #start(): Promise<void> {
    // Off the stack of whoever heard: that may be the admission of this very process.
    await undefined;
    while (this.#again && !this.ended) {
      this.#again = false;
      try {
        await this.#see();
      } catch (error) {
        if (this.ended) break;
        // The deadline ends it, should this never succeed.
        if (this.#gone()) this.end('exited', 'it has exited');
        else if (!isExpected(error)) this.end('unreadable', `what it became cannot be looked at: ${String(error)}`);
        else await this.#pause();
      }
    }
    // In the breath of the last check, so that no exec is missed in between.
    this.#starting = undefined;
  }

  /** What it has become. Events that come meanwhile are counted by `heard`, or end the new record. */
  async #see(): Promise<void> {
    const hold = this.#rooms.table.take(this.#pidfd, this.pid, this.#weak);
    const before = this.#hold;
    this.#hold = hold;
    before.release();
    this.#follow(hold);
    // guard: A12 test/peer/launch-uid.test.ts — a setuid program
    if (hold.process.uid !== this.uid && !this.terms.allowUidChange) return this.end(...this.#otherUid());
    await hold.ready();
    const image = imageOf(hold.process);
    const known = image === this.#image;
    // guard: A12 test/peer/launch-uid.test.ts — a program that changed its uid on the way to another one
    if (this.#image !== undefined && !known && !this.terms.allowExec) return this.end(...EXECED_AGAIN);
    const counted = known || (this.#execs === 1 && !this.#uncounted);
    const started = await this.#rooms.lookAtStarted(hold.process, counted, this.#abort.signal);
    if (this.#again || this.ended || !hold.process.stillSame().same) return;
    if ('end' in started) return this.end(started.end, started.why);
    this.#image = image;
    this.#program = started.path;
    this.#state = 'running';
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#rooms.changed();
  }

  #follow({ process }: Hold): void {
    this.#forget();
    this.#forget = process.onEnd((reason) => this.#recordEnded(reason));
  }

  /** The record of what it was last seen as is over; the process may live on. */
  #recordEnded(reason: EndReason): void {
    if (this.ended) return;
    const fault = this.#faultOf(reason);
    if (fault !== undefined) {
      this.end(...fault);
      return;
    }
    if (this.#isFirst()) this.#uncounted = true;
    this.#execed();
  }

  #faultOf(reason: EndReason): readonly [LaunchEnd, string] | undefined {
    if (reason === 'unreadable') return ['unreadable', 'it holds up those who look at it'];
    // Seen in the middle of an exec, a living process looks like one that is gone: its pidfd tells.
    if (this.#gone()) return ['exited', 'it has exited'];
    // guard: A12 test/peer/launch-uid.test.ts — as the launcher, before it has started anything, never
    if (reason === 'credentials-changed' && !this.#mayChangeUid()) return this.#otherUid();
    if (reason === 'cgroup-changed' && this.#state === 'waiting') return ['refused', 'it was moved to another cgroup'];
    // The same program under another uid, or elsewhere, is not another one; `#see` finds out.
    if (['credentials-changed', 'cgroup-changed'].includes(reason) && this.#image !== undefined) return undefined;
    // guard: A12, A5 test/peer/launch-sweep.test.ts
    if (!this.#isFirst() && !this.terms.allowExec) return EXECED_AGAIN;
    return undefined;
  }

  /** Where nothing is counted, the exec that is waited for may be found again and again while it is in the making. */
  #isFirst(): boolean {
    return this.#state === 'waiting' || (this.#state === 'starting' && this.#execs === 0);
  }

  #mayChangeUid(): boolean {
    return this.terms.allowUidChange && this.#state !== 'waiting';
  }

  #otherUid(): readonly [LaunchEnd, string] {
    return ['uid-changed', `it no longer runs with the uid, gid and groups of uid ${this.uid}`];
  }

  #gone(): boolean {
    return isReadable(this.#pidfd.number);
  }

  #setDeadline(): void {
    this.#deadline?.cancel();
    this.#deadline = this.#rooms.clock.after(this.#rooms.execWithinMs, () => {
      if (this.#state === 'waiting') this.end('never-started', 'it started no program in time');
      else this.end('unseen', 'what it became could not be looked at in time');
    });
  }

  #pause(): Promise<void> {
    this.#again = true;
    return new Promise((resolve) => this.#rooms.clock.after(LOOK_AGAIN_MS, resolve));
  }
}

/** A memory image: which file, and where the kernel laid it out. */
function imageOf({ baseline }: TrackedProcess): string {
  return `${baseline?.exe?.device} ${baseline?.exe?.inode} ${baseline?.layout}`;
}

/** Gone in the middle of an exec, or a helper that had no turn: both may be otherwise a moment later. */
function isExpected(error: unknown): boolean {
  return error instanceof ProcessGone || error instanceof Failure;
}

/** The promise's end, or the signal's reason if that comes first. */
function aborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
