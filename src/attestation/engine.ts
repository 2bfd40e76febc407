// SPDX-License-Identifier: Apache-2.0
/**
 * Asks every attestor about one process, side by side under one deadline, and gives the union of what holds. An
 * attestor that applies but fails, fails the whole look: a caller never gets a lesser identity because something was
 * down (design decision 7). The process is proven to be the same one after all have answered. Nothing is shared between
 * processes.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { LatencyHistogram, type LatencySnapshot } from '../lib/latency-histogram.ts';
import { Turns } from '../lib/turns.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import { type Answer, type Attested, type Dropped, type Examined, groundOf, groundWithin, union } from './attested.ts';
import { type Attestor, AttestorError, type AttestorHealth, type ProcessHandle, type Strength } from './plugin.ts';

export interface EngineOptions {
  readonly attestors: readonly Attestor[];
  /** All attestors of one look together, waiting for a turn included. */
  readonly timeoutMs: number;
  readonly atOnce: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A waiter holds a few hundred bytes; these bound a flood, not honest use. */
const WAITING_PER_UID = 512;
const WAITING = 8_192;

export class AttestationEngine {
  readonly kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>>;
  /** `type:kind`: nobody is shown the values of these. */
  readonly secretKinds: ReadonlySet<string>;
  readonly #attestors: readonly Attestor[];
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #paced: PacedWarnings;
  readonly #turns: Turns;
  readonly #latency: ReadonlyMap<string, LatencyHistogram>;
  readonly #listeners = new Set<(ground: string) => void>();
  readonly #undo: readonly (() => void)[];

  constructor(options: EngineOptions) {
    const { attestors } = options;
    for (const { name } of attestors) checkName(name, attestors);
    this.#attestors = attestors;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#paced = new PacedWarnings(options.log, options.clock);
    this.#turns = new Turns({ atOnce: options.atOnce, waitingPerKey: WAITING_PER_UID, waiting: WAITING, full: busy });
    this.#latency = new Map(attestors.map(({ name }) => [name, new LatencyHistogram()]));
    this.kinds = new Map(attestors.map(({ name, kinds }) => [name, kinds]));
    this.secretKinds = new Set(
      attestors.flatMap(({ name, secretKinds = new Set<string>() }) =>
        [...secretKinds].map((kind) => `${name}:${kind}`),
      ),
    );
    this.#undo = attestors.flatMap(
      (attestor) => attestor.onChange?.((ground) => this.#tell(groundOf(attestor.name, ground))) ?? [],
    );
  }

  /** Calls back with each of `restsOn` that may no longer hold. Returns the undo. */
  onChange(listener: (ground: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first open stream rests on this one of `restsOn` from now on, or the last one no longer does. */
  restedOn(ground: string, resting: boolean): void {
    for (const attestor of this.#attestors) {
      const own = groundWithin(attestor.name, ground);
      if (own !== undefined) attestor.restedOn?.(own, resting);
    }
  }

  /** By attestor: how long its answers took. */
  get latency(): ReadonlyMap<string, LatencySnapshot> {
    return new Map([...this.#latency].map(([name, histogram]) => [name, histogram.snapshot()]));
  }

  /** By attestor: how it stands, of those that say so. */
  get health(): ReadonlyMap<string, AttestorHealth> {
    return new Map(
      this.#attestors.flatMap((attestor) => {
        const health = attestor.health?.();
        return health === undefined ? [] : [[attestor.name, health] as const];
      }),
    );
  }

  /** Looks that wait for their turn now. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** Rejects with Failure `ATTESTATION_FAILED`, `ATTESTATION_BUSY` or `PROCESS_GONE`, or with the signal's reason. */
  async attest(process: ProcessHandle, signal: AbortSignal): Promise<Attested> {
    const deadline = new Deadline(this.#clock, this.#timeoutMs, signal);
    try {
      return await this.#turns.run(process.uid, deadline.signal, () => this.#look(process, deadline.signal));
    } catch (error) {
      throw deadline.passed && !(error instanceof Failure) ? slow('waiting for a turn', this.#timeoutMs) : error;
    } finally {
      deadline.cancel();
    }
  }

  /** What each attestor says, whether or not another one fails. For an operator: nothing may be issued on it. */
  async examine(process: ProcessHandle, signal: AbortSignal): Promise<readonly Examined[]> {
    const deadline = new Deadline(this.#clock, this.#timeoutMs, signal);
    const look = (): Promise<Examined[]> =>
      Promise.all(this.#attestors.map((attestor) => this.#examineWith(attestor, process, deadline.signal)));
    try {
      const examined = await this.#turns.run(process.uid, deadline.signal, look);
      proveSame(process);
      return examined;
    } finally {
      deadline.cancel();
    }
  }

  async close(): Promise<void> {
    for (const undo of this.#undo) undo();
    await Promise.allSettled(this.#attestors.map((attestor) => attestor.close?.()));
  }

  #tell(ground: string): void {
    for (const listener of [...this.#listeners]) listener(ground);
  }

  async #look(process: ProcessHandle, signal: AbortSignal): Promise<Attested> {
    const began = this.#clock.monotonic();
    const answers = await Promise.all(this.#attestors.map((attestor) => this.#ask(attestor, process, signal)));
    // guard: A2 test/attestation/engine.test.ts — what was read may be of another image unless it is still the same
    proveSame(process);
    return this.#union(answers, began);
  }

  #union(answers: readonly Answer[], began: number): Attested {
    const dropped = (selector: Dropped): void =>
      this.#paced.error(selector.attestor, selector, 'selector dropped: the attestor did not declare it');
    return union(answers, { began, at: this.#clock.now() }, dropped);
  }

  async #examineWith(attestor: Attestor, process: ProcessHandle, signal: AbortSignal): Promise<Examined> {
    const began = this.#clock.monotonic();
    const took = (): { attestor: string; tookMs: number } => ({
      attestor: attestor.name,
      tookMs: this.#clock.monotonic() - began,
    });
    try {
      const { attestation } = await this.#ask(attestor, process, signal, true);
      return { ...took(), attested: this.#union([{ attestor, attestation }], began) };
    } catch (error) {
      if (!(error instanceof Failure) || error.reason === 'PROCESS_GONE') throw error;
      return { ...took(), failure: error };
    }
  }

  async #ask(attestor: Attestor, process: ProcessHandle, signal: AbortSignal, everything?: boolean): Promise<Answer> {
    const began = this.#clock.monotonic();
    const took = (failed: boolean): void =>
      this.#latency.get(attestor.name)?.add(this.#clock.monotonic() - began, failed);
    try {
      const attestation = await settled(attestor.attest(process, signal, everything), signal);
      took(false);
      return { attestor, attestation };
    } catch (cause) {
      took(true);
      throw this.#failed(attestor.name, process, signal, cause);
    }
  }

  #failed(attestor: string, process: ProcessHandle, signal: AbortSignal, cause: unknown): unknown {
    if (cause instanceof Failure && cause.reason === 'PROCESS_GONE') return cause;
    const late = signal.aborted && signal.reason instanceof DeadlinePassed;
    if (signal.aborted && !late) return signal.reason;
    this.#log.warn({ attestor, pid: process.pid, uid: process.uid, late, err: cause }, 'attestor failed');
    return late ? slow(attestor, this.#timeoutMs) : failed(attestor, cause);
  }
}

/** Selector types are the attestors' names (attack A13), so a name is one type and stands once. */
function checkName(name: string, attestors: readonly Attestor[]): void {
  if (!/^[a-z0-9_]+$/.test(name)) throw new TypeError(`attestor name ${JSON.stringify(name)} is not [a-z0-9_]+`);
  if (attestors.filter((other) => other.name === name).length > 1) throw new TypeError(`two attestors named ${name}`);
}

function proveSame(process: ProcessHandle): void {
  const verdict = process.stillSame();
  if (verdict.same) return;
  throw new Failure(
    'unavailable',
    'PROCESS_GONE',
    `the calling process is no longer the one that connected: ${verdict.reason}`,
    { hint: 'connect again' },
  );
}

function busy(limit: number, uid?: number): Failure {
  const whose = uid === undefined ? 'in all' : `of uid ${uid}`;
  return new Failure(
    'unavailable',
    'ATTESTATION_BUSY',
    `too many callers ${whose} wait to be looked at: the ceiling is ${limit}`,
    {
      value: String(limit),
      hint: 'try again; clients should keep one stream open instead of asking often',
    },
  );
}

function failed(attestor: string, cause: unknown): Failure {
  const spoken = cause instanceof Failure || cause instanceof AttestorError;
  const underneath = spoken ? cause.message : 'see the log';
  return new Failure('unavailable', 'ATTESTATION_FAILED', 'the calling process could not be attested', {
    hint: `attestor ${attestor} failed: ${underneath}`,
    cause,
  });
}

function slow(what: string, timeoutMs: number): Failure {
  return new Failure('unavailable', 'ATTESTATION_FAILED', 'the calling process could not be attested in time', {
    hint: `${what} took longer than ${timeoutMs} ms (limits.attestation_timeout)`,
  });
}

/** The promise's outcome, or the signal's reason if that comes first: a stuck attestor is not waited for. */
function settled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

class DeadlinePassed extends Error {}

/** Aborts when the caller's signal does, or when the time is up. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #cancel: () => void;

  constructor(clock: Clock, timeoutMs: number, outer: AbortSignal) {
    const timer = clock.after(timeoutMs, () =>
      this.#controller.abort(new DeadlinePassed('attestation deadline passed')),
    );
    const abort = (): void => this.#controller.abort(outer.reason);
    if (outer.aborted) abort();
    outer.addEventListener('abort', abort, { once: true });
    this.#cancel = () => {
      timer.cancel();
      outer.removeEventListener('abort', abort);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get passed(): boolean {
    return this.signal.reason instanceof DeadlinePassed;
  }

  cancel(): void {
    this.#cancel();
  }
}
