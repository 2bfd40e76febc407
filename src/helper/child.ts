// SPDX-License-Identifier: Apache-2.0
/**
 * The program that the helper looks after: started when the first files are there, signalled when they change, stopped with
 * the helper, started again if that is wanted. It is in a process group of its own, so that an interrupt from a terminal
 * reaches it once, through us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Backoff } from '../client/backoff.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Supervise } from './settings.ts';

export interface ChildOptions {
  readonly supervise: Supervise;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** It ended, and is not started again. The status is as a shell would tell it. */
  readonly onGone: (status: number) => void;
}

export interface ChildStatus {
  readonly pid: number | undefined;
  readonly starts: number;
  readonly lastEnd: string | undefined;
}

/** One that has lived this long starts anew at once when it ends. */
const SETTLED_MS = 60_000;

export class Child {
  readonly #options: ChildOptions;
  readonly #backoff: Backoff;
  #process: ChildProcess | undefined;
  #again: Timer | undefined;
  #stopping = false;
  #starts = 0;
  #lastEnd: string | undefined;
  #lastStatus = 0;
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  status(): ChildStatus {
    return { pid: this.#process?.pid, starts: this.#starts, lastEnd: this.#lastEnd };
  }

  /** The files are there, or other ones are. */
  changed(): void {
    if (this.#stopping) return;
    if (this.#process === undefined) {
      // One that waits for its next start, after it died, finds the new files anyway.
      if (this.#again === undefined) this.#start();
      return;
    }
    const { signal } = this.#options.supervise;
    if (signal !== undefined) this.#signal(signal);
  }

  /** Hands a signal on. */
  forward(signal: NodeJS.Signals): void {
    this.#signal(signal);
  }

  /** Hands the signal on and waits; what does not end in time is ended. The status it ended with. */
  async stop(signal: NodeJS.Signals): Promise<number> {
    this.#stopping = true;
    this.#again?.cancel();
    if (this.#process === undefined) return this.#lastStatus;
    this.#signal(signal);
    const { clock, log, supervise } = this.#options;
    const late = clock.after(supervise.stopTimeoutMs, () => {
      log.warn({ pid: this.#process?.pid }, 'the program did not end in time and is killed');
      this.#signal('SIGKILL');
    });
    await this.#ended?.promise;
    late.cancel();
    return this.#lastStatus;
  }

  #start(): void {
    const { supervise, env, clock, log } = this.#options;
    const [program, ...args] = supervise.command;
    const startedAt = clock.monotonic();
    this.#starts += 1;
    this.#ended = Promise.withResolvers<void>();
    const child = spawn(program, args, { detached: true, stdio: 'inherit', env });
    this.#process = child;
    if (child.pid !== undefined) log.info({ program, pid: child.pid }, 'program started');
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) this.#gone(error.code === 'ENOENT' ? 127 : 126, `${error.code}`, startedAt);
    });
    child.once('exit', (code, signal) => {
      const status = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      this.#gone(status, signal === null ? `status ${code}` : `${signal}`, startedAt);
    });
  }

  #gone(status: number, how: string, startedAt: number): void {
    const { supervise, clock, log, onGone } = this.#options;
    this.#process = undefined;
    this.#lastEnd = how;
    this.#lastStatus = status;
    log.warn({ program: quote(supervise.command[0]), ended: how }, 'program ended');
    this.#ended?.resolve();
    if (this.#stopping || supervise.restart === 'on-change') return;
    if (supervise.restart === 'never' || (supervise.restart === 'on-failure' && status === 0)) {
      onGone(status);
      return;
    }
    if (clock.monotonic() - startedAt >= SETTLED_MS) this.#backoff.reset();
    const retryInMs = Math.round(this.#backoff.next());
    log.info({ retryInMs }, 'program will be started again');
    this.#again = clock.after(retryInMs, () => {
      this.#again = undefined;
      this.#start();
    });
  }

  #signal(signal: NodeJS.Signals): void {
    // Of ChildProcess: never a pid that was given to another since.
    this.#process?.kill(signal);
  }
}
