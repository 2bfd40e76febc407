// SPDX-License-Identifier: Apache-2.0
/**
 * A child process for work that may hang (attack A11). A thread that waits for a workload's file server cannot be ended;
 * a process can, or is left behind where even SIGKILL has to wait, which its owner learns from `exited`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { AT_FDCWD } from './native.ts';
import { readText } from './proc-look.ts';
import { parseStat } from './proc-text.ts';

/** Small heaps: what a helper reads goes through one buffer. */
const NODE_FLAGS = ['--disable-sigusr1', '--no-warnings', '--max-old-space-size=64', '--max-semi-space-size=1'];

export class HelperProcess {
  readonly #child: ChildProcess;
  /** Settles when the process is really gone. */
  readonly exited: Promise<void>;
  #gone = false;

  /**
   * `message` is called with what the helper sends, `lost` once when it can no longer be talked to. `niceness`: how much it
   * stands back behind others for a processor, as of nice(1).
   */
  constructor(file: URL, message: (message: unknown) => void, lost: () => void, niceness = 0) {
    this.#child = fork(file, [], {
      execArgv: NODE_FLAGS,
      // Nothing of the daemon's environment: no options, no preloads, no secrets.
      env: Object.create(null),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    if (niceness > 0 && this.#child.pid !== undefined) standBack(this.#child.pid, niceness);
    this.#child.on('message', message);
    const end = (): void => {
      if (this.#gone) return;
      this.#gone = true;
      lost();
    };
    this.#child.once('error', end);
    this.#child.once('disconnect', end);
    this.#child.once('exit', end);
    this.exited = once(this.#child, 'exit').then(
      () => undefined,
      () => undefined,
    );
    this.#child.unref();
    this.#child.channel?.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False when it cannot be talked to any more. */
  send(message: object): boolean {
    if (this.#gone || !this.#child.connected) return false;
    // An error here is followed by `disconnect`.
    this.#child.send(message, () => undefined);
    return true;
  }

  /** Whether an answer is waited for: only then it keeps the daemon's loop alive. */
  keepLoopAlive(on: boolean): void {
    if (on) this.#child.channel?.ref();
    else this.#child.channel?.unref();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Waits for the end even when nothing else keeps the loop alive. */
  async gone(): Promise<void> {
    this.#child.ref();
    await this.exited;
  }
}

function standBack(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, which is told by its exit.
  }
}

/** State `D` of proc(5): asleep where only what it waits for can wake it. Neither busy nor starved of a processor. */
export function waitsInKernel(pid: number): boolean {
  try {
    return parseStat(readText(AT_FDCWD, `/proc/${pid}/stat`)).state === 'D';
  } catch {
    return false;
  }
}
