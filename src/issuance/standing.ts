// SPDX-License-Identifier: Apache-2.0
/**
 * One open stream and where its caller stands: attest, match, prepare (mint and record), deliver, watch; walked again on
 * every change that touches it. What is prepared differs by stream (its errand); the walk does not.
 *
 * Two rules make the walk safe. Everything that can change the answer marks the standing dirty, synchronously, in commit
 * order; and between the last look (dirty, same process) and the hand-over to the connection there is no `await`.
 */
import type { Attested } from '../attestation/attested.ts';
import type { Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Match } from '../registry/match.ts';
import { CallerLook } from './caller-look.ts';
import { callerChanged } from './refusal.ts';
import type { Rooms } from './rooms.ts';
import type { Follower } from './workload-identities.ts';

export interface Errand<State> {
  /** The answer when nothing is granted: a state all the same, or the refusal that ends the stream. */
  ungranted(match: Match): State | Failure;
  /** Makes the whole state for this match; undefined when what it was decided on has changed meanwhile. */
  prepare(match: Match, attested: Attested): Promise<State | undefined>;
  /** True when the caller holds exactly this already. */
  holds(state: State): boolean;
  /** The state goes out now. */
  delivered(state: State): void;
  /** When it wants to be looked at again although nothing changed. */
  readonly nextWake: number | undefined;
  /** The stream has ended; forget keys. `reason` marks what was recorded but never sent. */
  close(reason: string): void;
}

/** Where a standing is entered so that changes find it. */
export interface Whereabouts {
  /** It is about to be looked at, and hears of every change of grounds until it is placed. */
  looking(standing: Touchable): void;
  place(standing: Touchable, attested: Attested): void;
  matched(standing: Touchable, match: Match): void;
  leave(standing: Touchable): void;
  /** Undefined: a newcomer may walk at once; otherwise when it may. */
  admit(process: ProcessHandle): Promise<void> | undefined;
}

export interface Touchable {
  readonly process: ProcessHandle;
  /** Synchronous and cheap: whatever is being decided now is out of date. */
  dirty(): void;
  /** Walk again, if anything changed since the last walk began. */
  touch(): void;
  /** All of these hold for the caller, but those of kinds that nobody asked for when it was looked at. */
  covers(selectors: readonly string[], unasked?: readonly string[]): boolean;
  /** Looks at the caller anew at the next walk. */
  attestAgain(): void;
  /** While it is looked at: a ground that somebody rests on may no longer hold. */
  hear(ground: string): void;
  stop(): void;
}

/** A walk that finds its decision stale this often in a row has met a disagreement, not a race. */
const STALE_WALKS = 8;
/** Retry of a failed renewal while what is held is still valid: 1 s doubling to 30 s. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

export class Standing<State> implements Touchable {
  readonly #rooms: Rooms;
  readonly #process: ProcessHandle;
  readonly #follower: Follower<State>;
  readonly #errand: Errand<State>;
  readonly #whereabouts: Whereabouts;
  readonly #abort = new AbortController();
  readonly #look: CallerLook;
  #forgetProcess: () => void = () => undefined;
  #attested: Attested | undefined;
  #outdated = false;
  #deadline: number | undefined;
  #dirty = true;
  #walking = false;
  /** What the latest walk found is with the follower. */
  #told = false;
  #ended = false;
  #sent = false;
  #stale = 0;
  #retryMs = RETRY_FIRST_MS;
  #timer: Timer | undefined;

  constructor(
    rooms: Rooms,
    process: ProcessHandle,
    follower: Follower<State>,
    errand: Errand<State>,
    whereabouts: Whereabouts,
  ) {
    this.#rooms = rooms;
    this.#process = process;
    this.#follower = follower;
    this.#errand = errand;
    this.#whereabouts = whereabouts;
    this.#look = new CallerLook(rooms, process, this.#abort.signal);
    // A process that has ended already is told of at once, before there is anything to undo.
    const forget = process.onEnd((reason) => this.#end(callerChanged(process, reason)));
    this.#forgetProcess = forget;
  }

  get process(): ProcessHandle {
    return this.#process;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What was sent last is what stands: nothing has changed since, and nothing is being looked at. */
  get upToDate(): boolean {
    return this.#told && !this.#dirty && !this.#ended && this.#stillGood() !== undefined && !this.#isPastDeadline();
  }

  dirty(): void {
    this.#dirty = true;
  }

  touch(): void {
    if (this.#dirty && !this.#walking && !this.#ended) void this.#walk();
  }

  covers(selectors: readonly string[], unasked: readonly string[] = []): boolean {
    const held = this.#attested?.selectors;
    const excused = (selector: string): boolean => unasked.some((kind) => selector.startsWith(`${kind}:`));
    return held !== undefined && selectors.every((selector) => held.has(selector) || excused(selector));
  }

  attestAgain(): void {
    this.#outdated = true;
  }

  hear(ground: string): void {
    this.#look.hear(ground);
  }

  /** The caller has gone; nothing is sent any more. */
  stop(): void {
    this.#close('the caller closed the stream');
  }

  #wake(): void {
    this.#dirty = true;
    this.touch();
  }

  async #walk(): Promise<void> {
    this.#walking = true;
    try {
      while (this.#dirty && !this.#ended) {
        this.#dirty = false;
        this.#told = false;
        await this.#pass();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#walking = false;
    }
  }

  async #pass(): Promise<void> {
    const turn = this.#attested === undefined ? this.#whereabouts.admit(this.#process) : undefined;
    // guard: I9 test/attacks/crowd.test.ts
    if (turn !== undefined) await turn;
    if (this.#ended) return;

    const attested = this.#stillGood() ?? (await this.#attest());
    if (attested === undefined || this.#ended) return;

    const match = this.#rooms.registry.match(attested.selectors, this.#rooms.clock.now());
    this.#whereabouts.matched(this, match);
    const state = match.grants.length === 0 ? this.#errand.ungranted(match) : await this.#prepare(match, attested);
    if (state instanceof Failure) return this.#end(state);
    if (state === undefined || this.#ended) return;

    // A withdrawal that an operator asked for while the row was written is waited for: the credential must not overtake it.
    const asked = this.#rooms.changes.changesInFlight();
    // guard: I1 test/issuance/held-commit.test.ts
    if (asked !== undefined) await asked;
    if (this.#ended) return;

    // The last look. From here to the hand-over nothing may await.
    // guard: I1 test/issuance/held-commit.test.ts — a change committed while the row was written goes back to match
    if (this.#dirty) return;
    const verdict = this.#process.stillSame();
    // guard: A2 test/issuance/held-commit.test.ts — nothing is sent to a process that is no longer the one that connected
    if (!verdict.same) return this.#end(callerChanged(this.#process, verdict.reason));
    this.#deadline = match.nextDeadline;
    if (this.#isPastDeadline()) return this.dirty();

    // guard: I1 test/issuance/grounds.test.ts
    if (this.#stillGood() === undefined) return this.dirty();

    this.#schedule(match, attested);
    this.#told = true;
    if (this.#errand.holds(state)) return;
    const taken = this.#follower.send(state);
    this.#errand.delivered(state);
    this.#rooms.detectors?.delivered({ process: this.#process, attested, grants: match.grants });
    this.#sent = true;
    this.#retryMs = RETRY_FIRST_MS;
    // One undelivered state per stream: while this waits, changes only mark the standing dirty (attack B4).
    await taken;
  }

  /** The answer changes by time alone at its deadline; the timer that says so may be late. */
  #isPastDeadline(): boolean {
    return this.#deadline !== undefined && this.#rooms.clock.now() >= this.#deadline;
  }

  /** What was seen last, unless it has to be seen anew. */
  #stillGood(): Attested | undefined {
    const known = this.#attested;
    if (known === undefined || this.#outdated) return undefined;
    return known.goodUntil !== undefined && this.#rooms.clock.monotonic() >= known.goodUntil ? undefined : known;
  }

  async #attest(): Promise<Attested | undefined> {
    this.#whereabouts.looking(this);
    const attested = await this.#look.take((seen) => {
      if (this.#ended) return;
      this.#outdated = false;
      this.#attested = seen;
      this.#whereabouts.place(this, seen);
    });
    return this.#ended ? undefined : attested;
  }

  async #prepare(match: Match, attested: Attested): Promise<State | undefined> {
    const state = await this.#errand.prepare(match, attested);
    if (state !== undefined) {
      this.#stale = 0;
      return state;
    }
    this.#stale += 1;
    if (this.#stale >= STALE_WALKS) {
      throw new Failure('unavailable', 'DECISION_STALE', 'the registry changes faster than an identity can be issued', {
        hint: 'try again',
      });
    }
    this.#dirty = true;
    return undefined;
  }

  #schedule(match: Match, attested: Attested): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock } = this.#rooms;
    const due = Math.min(match.nextDeadline ?? Infinity, this.#errand.nextWake ?? Infinity);
    const delay = Math.min(due - clock.now(), (attested.goodUntil ?? Infinity) - clock.monotonic());
    if (delay < Infinity) this.#timer = clock.after(delay, () => this.#wake());
  }

  /** Nothing could be made. A first answer fails; later ones are tried again while what was sent is still good (I8). */
  #failed(error: unknown): void {
    if (this.#ended) return;
    const failure = toFailure(error);
    if (!this.#sent || failure.kind === 'permission-denied') {
      this.#end(failure);
      return;
    }
    this.#rooms.log.warn(
      { pid: this.#process.pid, reason: failure.reason, err: failure },
      'will retry for an open stream',
    );
    this.#timer?.cancel();
    this.#timer = this.#rooms.clock.after(this.#retryMs, () => this.#wake());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LONGEST_MS);
  }

  #end(failure: Failure): void {
    if (this.#ended) return;
    this.#close(failure.message);
    this.#follower.end(failure);
  }

  #close(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#abort.abort();
    this.#timer?.cancel();
    this.#forgetProcess();
    this.#whereabouts.leave(this);
    this.#errand.close(reason);
  }
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('internal', 'UNEXPECTED', 'the request could not be served', { cause: error });
}
