// SPDX-License-Identifier: Apache-2.0
/** Starts programs in process groups of their own, hears their lines, and leaves none of them behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onLine: (line: string) => void;
}

/** How long a program may take to stop when asked. */
const GRACE_MS = 5_000;

export class Programs {
  readonly #running = new Map<ChildProcess, Promise<number | null>>();

  /** Ctrl-C in the terminal reaches the quickstart alone, which then stops the others in their order. */
  start(file: string, args: readonly string[], options: ProgramOptions): Program {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', options.onLine);
    const ended = new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        options.onLine(`could not be started: ${error.message}`);
        resolve(1);
      });
      child.once('close', resolve);
    });
    this.#running.set(child, ended);
    ended.then(() => this.#running.delete(child));
    return { ended, stop: () => this.#stop(child, ended), kill: () => void child.kill('SIGKILL') };
  }

  /** The last one started goes first. */
  async stopAll(): Promise<void> {
    for (const [child, ended] of [...this.#running].reverse()) await this.#stop(child, ended);
  }

  async #stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
    if (child.pid === undefined) return;
    child.kill('SIGTERM');
    const impatience = setTimeout(() => signalGroup(child.pid as number), GRACE_MS);
    await ended;
    clearTimeout(impatience);
    signalGroup(child.pid);
  }
}

export interface Program {
  /** Exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
  /** As `kill -9` does, and nothing of what it started. */
  kill(): void;
}

/** Whatever the program started itself, and the program if it would not stop. */
function signalGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
