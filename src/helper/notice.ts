// SPDX-License-Identifier: Apache-2.0
/**
 * Something that is told of changes: told again when that failed, soon and then less often, and told once when several changes
 * came while it was being told. It gives up after a while, since the next change comes anyway, and never holds up the writing.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface NoticeOptions {
  /** `web/signal`. */
  readonly name: string;
  readonly tell: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface NoticeStatus {
  readonly name: string;
  /** Times that it was told with success. */
  readonly done: number;
  /** Milliseconds UTC. */
  readonly lastAt: number | undefined;
  /** Of the last attempt. */
  readonly problem: string | undefined;
}

/** spiffe-helper tries ten times, each time after twice as long (pkg/sidecar/sidecar.go, pidBackoff), from 100 ms on. */
const ATTEMPTS = 10;
const FIRST_PAUSE_MS = 100;

export class Notice {
  readonly #options: NoticeOptions;
  #waiting = false;
  #running: Promise<void> | undefined;
  #retry: Timer | undefined;
  #closed = false;
  #failures = 0;
  #done = 0;
  #lastAt: number | undefined;
  #problem: string | undefined;

  constructor(options: NoticeOptions) {
    this.#options = options;
  }

  /** Something has changed. */
  changed(): void {
    this.#failures = 0;
    this.#waiting = true;
    this.#retry?.cancel();
    this.#start();
  }

  status(): NoticeStatus {
    return { name: this.#options.name, done: this.#done, lastAt: this.#lastAt, problem: this.#problem };
  }

  /** Resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#running;
  }

  #start(): void {
    if (this.#running !== undefined || this.#closed) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#waiting && this.#failures === 0) this.#start();
    });
  }

  async #run(): Promise<void> {
    this.#waiting = false;
    const { name, tell, clock, log } = this.#options;
    try {
      await tell();
      this.#done += 1;
      this.#lastAt = clock.now();
      this.#problem = undefined;
      this.#failures = 0;
      log.info({ action: name }, 'told of the change');
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      if (!this.#waiting) this.#again(error);
    }
  }

  #again(error: unknown): void {
    const { name, clock, log } = this.#options;
    this.#failures += 1;
    const last = this.#failures >= ATTEMPTS;
    const retryInMs = FIRST_PAUSE_MS * 2 ** (this.#failures - 1);
    const said = error instanceof Failure ? { reason: error.reason, problem: error.message } : { err: error };
    log.warn(
      { action: name, ...said, ...(last ? {} : { retryInMs }) },
      last ? 'given up until the next change' : 'not told',
    );
    if (!last && !this.#closed) this.#retry = clock.after(retryInMs, () => this.#start());
  }
}
