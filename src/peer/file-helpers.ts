// SPDX-License-Identifier: Apache-2.0
/**
 * The daemon's side of the file helpers: a few at once, one job per owner at a time, a bounded queue, a deadline that
 * kills. Looks at processes, files on the machine's own disks and files that a file server answers for have helpers
 * apart, so that a hostile server holds up nobody else (attack A11).
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { Turns } from '../lib/turns.ts';
import type { CeilingSubject } from './ceilings.ts';
import { FileHelper, HelperLost } from './file-helper-process.ts';
import type { FileAnswer, FileJob, FileReader } from './file-jobs.ts';

export interface FileHelpersOptions {
  readonly clock: Clock;
  readonly atOnce: number;
  /** A job that takes longer is given up and its helper killed. */
  readonly deadlineMs: number;
  readonly waitingPerOwner: number;
  readonly waiting: number;
  /**
   * For jobs that never wait for a disk: a helper that sleeps uninterruptibly for so long is held up on purpose, and one
   * that is late without sleeping so is short of processor time, which is nobody's doing.
   */
  readonly patienceMs?: number;
  /** Whoever held a helper up is refused for so long. */
  readonly penaltyMs: number;
  /** Helpers that are started at once and kept. */
  readonly warm: number;
  /** As of nice(1); 0 unless given. */
  readonly niceness?: number;
}

/** Helpers that SIGKILL could not end yet: a file server holds them. With this many, nobody gets another. */
const MOST_STUCK = 8;
/** Longer than this after SIGKILL, and it waits where no signal reaches. */
const KILL_MS = 1_000;
/** An unused helper costs some 40 MB. */
const IDLE_MS = 30_000;

/** The machine is too busy: the caller may try again at once. */
class Starved extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'Starved';
    this.failure = failure;
  }
}

export class FileHelpers implements FileReader {
  readonly #options: FileHelpersOptions;
  readonly #turns: Turns;
  readonly #idle = new Set<FileHelper>();
  readonly #all = new Set<FileHelper>();
  /** Payers whose helper was killed and is not gone. */
  readonly #stuck = new Set<string>();
  /** Until when on the monotonic clock, by payer. */
  readonly #refused = new Map<string, number>();
  #closed = false;

  constructor(options: FileHelpersOptions) {
    this.#options = options;
    const { atOnce, waitingPerOwner: waitingPerKey, waiting } = options;
    this.#turns = new Turns({ atOnce, atOncePerKey: 1, waitingPerKey, waiting, full: queueFull });
    for (let i = 0; i < options.warm; i += 1) this.#idle.add(this.#start());
  }

  /** Helper processes that exist, stuck ones included; for tests and `doctor`. */
  get processes(): number {
    return this.#all.size;
  }

  /** Rejects with a Failure on a full queue, the deadline or a lost helper, with the signal's reason when it aborts. */
  run(payer: CeilingSubject, job: FileJob, signal: AbortSignal): Promise<FileAnswer> {
    return new Promise((resolve, reject) => {
      const turn = this.#turns.run(payer.owner, signal, () => this.#run(payer, job, signal, resolve, reject));
      turn.catch(reject);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const helper of this.#all) helper.kill();
    // A stuck one goes when its file server lets go; it is not waited for.
    await Promise.all([...this.#all].filter((helper) => !helper.stuck).map((helper) => helper.gone()));
  }

  /**
   * The caller is answered at once; the owner's turn ends when the helper is free again, or gone. A caller that no longer
   * wants the answer kills no helper: whoever connects and leaves would cost a new one each time.
   */
  async #run(
    payer: CeilingSubject,
    job: FileJob,
    signal: AbortSignal,
    resolve: (answer: FileAnswer) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    this.#checkPayer(payer);
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#serve(keyOf(payer), job, resolve, reject);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #serve(
    payer: string,
    job: FileJob,
    resolve: (answer: FileAnswer) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    for (let last = false; ; last = true) {
      const helper = this.#take();
      try {
        resolve(await this.#ask(helper, job));
        this.#park(helper);
        return;
      } catch (error) {
        const lost = error instanceof HelperLost;
        // Nobody's fault (the machine ran out of memory, an operator killed it): one more is asked.
        if (lost && !last && !this.#closed) continue;
        reject(lost ? failed('the helper processes end') : error instanceof Starved ? error.failure : error);
        if (!lost && !(error instanceof Starved)) this.#refuse(payer);
        await this.#abandon(helper, payer);
        return;
      }
    }
  }

  #take(): FileHelper {
    const [idle] = this.#idle;
    const helper = idle ?? this.#start();
    this.#idle.delete(helper);
    return helper;
  }

  #checkPayer(payer: CeilingSubject): void {
    const key = keyOf(payer);
    if (this.#closed) throw failed('the daemon is stopping');
    // guard: A11 test/peer/fuse.test.ts
    if (this.#stuck.has(key)) throw failed(`a helper that read for ${key} cannot be ended yet`);
    // guard: A11 test/peer/fuse.test.ts
    if (this.#stuck.size >= MOST_STUCK) throw failed(`${MOST_STUCK} helpers cannot be ended yet`);
    const until = this.#refused.get(key);
    if (until === undefined) return;
    // guard: A11 test/peer/file-helpers.test.ts
    if (this.#options.clock.monotonic() < until) throw failed(`${key} held up a helper a moment ago`);
    this.#refused.delete(key);
  }

  #refuse(payer: string): void {
    const now = this.#options.clock.monotonic();
    for (const [other, until] of this.#refused) if (until <= now) this.#refused.delete(other);
    this.#refused.set(payer, now + this.#options.penaltyMs);
  }

  #ask(helper: FileHelper, job: FileJob): Promise<FileAnswer> {
    const { clock, deadlineMs, patienceMs } = this.#options;
    return new Promise((resolve, reject) => {
      const late = (): void => {
        const failure = failed(`it was not read within ${deadlineMs} ms`);
        reject(patienceMs === undefined || helper.waitsInKernel() ? failure : new Starved(failure));
      };
      const heldUp = (): void => reject(failed('the caller holds up whoever looks at it'));
      const deadline = clock.after(deadlineMs, late);
      const watch = patienceMs === undefined ? undefined : helper.onHeldUp(patienceMs, heldUp);
      helper
        .ask(job)
        .then(resolve, reject)
        .finally(() => {
          deadline.cancel();
          watch?.cancel();
        });
    });
  }

  #start(): FileHelper {
    const helper = new FileHelper(() => this.#idle.delete(helper), this.#options.niceness);
    this.#all.add(helper);
    void helper.exited.then(() => this.#all.delete(helper));
    return helper;
  }

  #park(helper: FileHelper): void {
    this.#idle.add(helper);
    if (this.#idle.size <= this.#options.warm) return;
    const [oldest] = this.#idle;
    oldest?.endAfter(this.#options.clock, IDLE_MS, () => this.#idle.delete(oldest));
  }

  /** Nobody waits for its answer any more. */
  async #abandon(helper: FileHelper, payer: string): Promise<void> {
    helper.kill();
    if (this.#all.size <= this.#options.warm && !this.#closed) this.#idle.add(this.#start());
    let timer: { cancel(): void } | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = this.#options.clock.after(KILL_MS, () => resolve('late'));
    });
    const outcome = await Promise.race([helper.exited, late]);
    timer?.cancel();
    if (outcome !== 'late') return;
    helper.stuck = true;
    this.#stuck.add(payer);
    void helper.exited.then(() => this.#stuck.delete(payer));
  }
}

/** By cgroup too: root of one container does not pay for root of another. */
function keyOf({ owner, cgroup }: CeilingSubject): string {
  return cgroup === undefined ? `uid ${owner}` : `uid ${owner} in ${cgroup}`;
}

function queueFull(limit: number, owner?: number): Failure {
  const whose = owner === undefined ? 'in all' : `of uid ${owner}`;
  return new Failure(
    'unavailable',
    'LOOK_QUEUE_FULL',
    `too many callers ${whose} wait to be looked at: the ceiling is ${limit}`,
    {
      value: String(limit),
      hint: 'try again',
    },
  );
}

function failed(why: string): Failure {
  return new Failure('unavailable', 'CALLER_UNREADABLE', `the caller could not be looked at: ${why}`, {
    hint: 'look at the file system that the caller’s executable lies on',
  });
}
