// SPDX-License-Identifier: Apache-2.0
/**
 * The main thread's end of the writer: queues commands, posts what one turn of the event loop gathered as one message, and
 * settles promises in order. All changes of a batch reach the listeners before the first of its promises resolves, so
 * whoever looks at the change sequence after a commit sees everything that was committed with it.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../lib/clock.ts';
import { Failure } from '../../lib/failure.ts';
import { LatencyHistogram } from '../../lib/latency-histogram.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Change } from '../records.ts';
import { cannotWrite } from './unusable.ts';
import {
  AFTER,
  type Answer,
  type BatchAnswer,
  type Done,
  FIRST_COMMAND,
  Op,
  refusalOf,
  Then,
  type Trouble,
  type WriterSetup,
} from './wire.ts';

/** The high-water mark is written at most this often, except after a step of an authority. */
const MARK_MS = 1_000;
/** While the store cannot write, it is tried again this often. */
const PROBE_MS = 1_000;

interface Pending {
  readonly resolve: (answer: Done) => void;
  readonly reject: (error: Failure) => void;
  /** The changes that this command made, once its sequence is known. */
  readonly changes: ((answer: Done) => readonly Change[]) | undefined;
}

export class Writer {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** From the begin of each commit to its sync. */
  readonly commits = new LatencyHistogram();
  readonly #exited: Promise<void>;
  readonly #changeListeners = new Set<(changes: readonly Change[]) => void>();
  readonly #appendListeners = new Set<(events: number) => void>();
  readonly #troubleListeners = new Set<(error: Error | undefined) => void>();
  #message: unknown[] = [0, 0];
  #scheduled = false;
  #pending: Pending[] = [];
  #answered = 0;
  #events = 0;
  #markTimer: Timer | undefined;
  #probeTimer: Timer | undefined;
  #trouble: Failure | undefined;
  #lastTrouble: Trouble | undefined;
  #closing = false;
  #dead = false;

  constructor(setup: WriterSetup, clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#worker = new Worker(new URL(`./writer-thread.${extension}`, import.meta.url), {
      name: 'store-writer',
      workerData: setup,
    });
    this.#worker.on('message', (answer: BatchAnswer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#died(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        if (!this.#closing || this.#waiting > 0) this.#died(new Error('the writer thread ended'));
        resolve();
      });
    });
  }

  onChanges(listener: (changes: readonly Change[]) => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  /** Told after the promises' changes, with how many events the log holds. */
  onAppended(listener: (events: number) => void): () => void {
    this.#appendListeners.add(listener);
    return () => void this.#appendListeners.delete(listener);
  }

  onTrouble(listener: (error: Error | undefined) => void): () => void {
    this.#troubleListeners.add(listener);
    return () => void this.#troubleListeners.delete(listener);
  }

  /** One command with its arguments in one array. `isAwaited`: no decision overtakes what it changes (changesInFlight). */
  run(op: number, args: readonly unknown[], changes?: Pending['changes'], isAwaited = true): Promise<Done> {
    const refused = this.#refusal();
    if (refused !== undefined) return Promise.reject(refused);
    const message = this.#command();
    message.push(op, args);
    message[1] = (message[1] as number) | (AFTER.get(op) ?? 0);
    return this.#await(changes, isAwaited);
  }

  /** A `record` command, whose flat arguments `push` appends (the hot path). */
  async record(push: (message: unknown[]) => void): Promise<Done> {
    const refused = this.#refusal();
    if (refused !== undefined) throw refused;
    const message = this.#command();
    const before = message.length;
    try {
      message.push(Op.record);
      push(message);
    } catch (error) {
      // Half a command would shift all that follow.
      message.length = before;
      message[0] = (message[0] as number) - 1;
      throw error;
    }
    return this.#await(undefined);
  }

  /** Everything queued is answered, the mark written, the thread gone. */
  async close(beforeExit: () => void | Promise<void>): Promise<void> {
    this.#closing = true;
    this.#markTimer?.cancel();
    this.#probeTimer?.cancel();
    if (!this.#dead) {
      this.#post();
      while (this.#waiting > 0 && !this.#dead) await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    await beforeExit();
    if (!this.#dead) this.#worker.postMessage([0, Then.mark | Then.close]);
    await this.#exited;
  }

  /** Answers come in order, so the latest change asked for is the last of those still open. */
  changesInFlight(): Promise<void> | undefined {
    return this.#lastChange;
  }

  readonly #idle: (() => void)[] = [];
  #lastChange: Promise<void> | undefined;

  get #waiting(): number {
    return this.#pending.length - this.#answered;
  }

  #refusal(): Failure | undefined {
    if (this.#dead) return this.#trouble;
    if (!this.#closing) return undefined;
    return new Failure('unavailable', 'STORE_CLOSED', 'the store is closed');
  }

  #command(): unknown[] {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#post());
    }
    this.#message[0] = (this.#message[0] as number) + 1;
    return this.#message;
  }

  #await(changes: Pending['changes'], isAwaited = true): Promise<Done> {
    const answer = new Promise<Done>((resolve, reject) => this.#pending.push({ resolve, reject, changes }));
    if (changes !== undefined && isAwaited) this.#noteChange(answer);
    return answer;
  }

  #noteChange(answer: Promise<unknown>): void {
    const settled: Promise<void> = answer.then(
      () => undefined,
      () => undefined,
    );
    this.#lastChange = settled;
    void settled.then(() => {
      if (this.#lastChange === settled) this.#lastChange = undefined;
    });
  }

  #post(): void {
    this.#scheduled = false;
    if (this.#message.length === FIRST_COMMAND) return;
    const message = this.#message;
    this.#message = [0, 0];
    this.#worker.postMessage(message);
  }

  #settle({ answers, count, commitMs, events, trouble }: BatchAnswer): void {
    if (commitMs !== undefined) this.commits.add(commitMs, false);
    const batch = this.#take(count);
    this.#lastTrouble = trouble;
    if (trouble !== undefined) this.#inTrouble(trouble);
    if (answers === undefined) {
      const failure = this.#trouble as Failure;
      for (const pending of batch) pending.reject(failure);
    } else {
      if (count > 0) this.#markSoon();
      this.#tell(batch, answers);
      for (const [i, pending] of batch.entries()) {
        const answer = answers[i] as Answer;
        if (isRefused(answer)) pending.reject(refusalOf(answer));
        else pending.resolve(answer);
      }
    }
    if (events !== this.#events) this.#appended(events);
    if (this.#waiting === 0) for (const idle of this.#idle.splice(0)) idle();
  }

  #appended(events: number): void {
    this.#events = events;
    for (const listener of [...this.#appendListeners]) listener(events);
  }

  #take(count: number): Pending[] {
    const batch = this.#pending.slice(this.#answered, this.#answered + count);
    this.#answered += count;
    if (this.#answered === this.#pending.length || this.#answered > 4096) {
      this.#pending = this.#pending.slice(this.#answered);
      this.#answered = 0;
    }
    return batch;
  }

  #tell(batch: readonly Pending[], answers: readonly Answer[]): void {
    const changes: Change[] = [];
    for (const [i, pending] of batch.entries()) {
      const answer = answers[i] as Answer;
      if (pending.changes !== undefined && !isRefused(answer)) changes.push(...pending.changes(answer));
    }
    if (changes.length === 0) return;
    for (const listener of [...this.#changeListeners]) {
      try {
        listener(changes);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener failed on a committed change');
      }
    }
  }

  #markSoon(): void {
    if (this.#markTimer !== undefined || this.#closing) return;
    this.#markTimer = this.#clock.after(MARK_MS, () => {
      this.#markTimer = undefined;
      if (!this.#closing && !this.#dead) this.#worker.postMessage([0, Then.mark]);
    });
  }

  #inTrouble(trouble: Trouble): void {
    const failure = cannotWrite(trouble);
    const first = this.#trouble === undefined;
    this.#trouble = failure;
    if (first) {
      this.#log.error({ code: trouble.code, err: failure }, 'the store cannot write');
      this.#tellTrouble(failure);
    }
    this.#probeTimer ??= this.#clock.after(PROBE_MS, () => this.#probe());
  }

  /** Only this ends the trouble: a batch that happened to write little or nothing proves nothing. */
  #probe(): void {
    this.#probeTimer = undefined;
    if (this.#closing || this.#dead) return;
    this.#message[1] = Then.mark;
    const probed = this.run(Op.probe, []);
    // In the same turn as its batch was settled, so `#lastTrouble` is that batch's: the mark may have failed still.
    probed.then(() => this.#lastTrouble === undefined && this.#wellAgain()).catch(() => {});
  }

  #wellAgain(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#log.info({}, 'the store can write again');
    this.#tellTrouble(undefined);
  }

  #tellTrouble(failure: Failure | undefined): void {
    for (const listener of [...this.#troubleListeners]) listener(failure);
  }

  /** The thread itself failed: nobody can say what was written, so the daemon has to start again from the file. */
  #died(error: Error): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#trouble = new Failure('unavailable', 'STORE_UNAVAILABLE', 'the store has stopped writing', {
      hint: 'restart the daemon',
      cause: error,
    });
    this.#log.error({ err: error }, 'the writer thread failed; the daemon has to be restarted');
    for (const pending of this.#take(this.#waiting)) pending.reject(this.#trouble);
    for (const idle of this.#idle.splice(0)) idle();
    this.#tellTrouble(this.#trouble);
  }
}

function isRefused(answer: Answer): answer is Extract<Answer, { refused: unknown }> {
  return typeof answer === 'object' && 'refused' in answer;
}
