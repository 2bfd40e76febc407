// SPDX-License-Identifier: Apache-2.0
/** The watching thread as the daemon sees it: kept running, and always able to end. */
import { Worker } from 'node:worker_threads';
import type { Logger } from '../telemetry/logger.ts';
import type { WatchInput, WatchMessage } from './watch-messages.ts';

export interface WatchThreadOptions {
  readonly epoll: number;
  readonly ready: (ready: WatchMessage) => void;
  /** It had failed, and what it would have said meanwhile is not known. */
  readonly restarted: () => void;
  /** Makes it return from the kernel and end. */
  readonly wake: () => void;
  readonly log: Logger;
}

const RESTART_MS = 500;

export class WatchThread {
  readonly #options: WatchThreadOptions;
  readonly #stopAtExit: () => void;
  #worker: Worker | undefined;
  #closed = false;

  constructor(options: WatchThreadOptions) {
    this.#options = options;
    this.#stopAtExit = options.wake;
    this.#start();
    // A thread that waits in the kernel cannot be ended from outside; without this, leaving would wait for it.
    process.on('exit', this.#stopAtExit);
  }

  async close(): Promise<void> {
    this.#closed = true;
    process.off('exit', this.#stopAtExit);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    // Nothing else may be keeping the daemon's loop alive by now.
    worker.ref();
    this.#options.wake();
    await ended;
  }

  #start(): void {
    const { epoll, ready, log } = this.#options;
    const input: WatchInput = { epoll };
    const file = new URL(`./watch-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
    const worker = new Worker(file, { workerData: input, env: {}, execArgv: [], name: 'assay-watch' });
    worker.unref();
    worker.on('message', ready);
    worker.on('error', (error) => log.error({ err: error }, 'the watching thread failed; it starts again'));
    worker.on('exit', () => this.#ended());
    this.#worker = worker;
  }

  #ended(): void {
    this.#worker = undefined;
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed) return;
      this.#start();
      this.#options.restarted();
    }, RESTART_MS).unref();
  }
}
