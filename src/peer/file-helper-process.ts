// SPDX-License-Identifier: Apache-2.0
/** One file helper as the daemon sees it: a process that answers one job at a time, until it is killed. */
import type { Clock, Timer } from '../lib/clock.ts';
import type { FileAnswer, FileJob } from './file-jobs.ts';
import { HelperProcess, waitsInKernel } from './helper-process.ts';

/** The helper process has ended by itself, or was ended by somebody else. */
export class HelperLost extends Error {
  constructor() {
    super('the helper process has ended');
    this.name = 'HelperLost';
  }
}

interface Pending {
  readonly resolve: (answer: FileAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class FileHelper {
  readonly #process: HelperProcess;
  #pending: Pending | undefined;
  #idle: Timer | undefined;
  /** Killed, and yet not gone. */
  stuck = false;

  /** `lost` is called once when it can no longer be talked to. */
  constructor(lost: () => void, niceness = 0) {
    const file = new URL(`./file-helper${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
    this.#process = new HelperProcess(
      file,
      (answer) => {
        this.#process.keepLoopAlive(false);
        this.#pending?.resolve(answer as FileAnswer);
      },
      () => {
        this.#pending?.reject(new HelperLost());
        lost();
      },
      niceness,
    );
  }

  get exited(): Promise<void> {
    return this.#process.exited;
  }

  ask(job: FileJob): Promise<FileAnswer> {
    this.#idle?.cancel();
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#process.keepLoopAlive(true);
      if (!this.#process.send(job)) reject(new HelperLost());
    });
  }

  waitsInKernel(): boolean {
    return this.#process.pid !== undefined && waitsInKernel(this.#process.pid);
  }

  /** Calls once when the helper has slept uninterruptibly at two looks `ms` / 2 apart. */
  onHeldUp(ms: number, heldUp: () => void): Timer {
    let waiting = 0;
    const timer = setInterval(() => {
      waiting = this.waitsInKernel() ? waiting + 1 : 0;
      if (waiting >= 2) heldUp();
    }, ms / 2);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  }

  endAfter(clock: Clock, ms: number, ending: () => void): void {
    this.#idle?.cancel();
    this.#idle = clock.after(ms, () => {
      ending();
      this.kill();
    });
  }

  kill(): void {
    this.#idle?.cancel();
    this.#process.kill();
  }

  gone(): Promise<void> {
    return this.#process.gone();
  }
}
