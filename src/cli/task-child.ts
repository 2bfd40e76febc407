// SPDX-License-Identifier: Apache-2.0
/** The program that runs in a task: in a process group of its own, so that all it started can be ended with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Failure, quote } from '../lib/failure.ts';

/** Between asking a group to end and ending it. */
const GRACE_MS = 5_000;
/** What a terminal or a supervisor sends to this command is meant for the program. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

export class TaskChild {
  readonly #child: ChildProcess;
  readonly #forget: () => void;
  /** Exit status as a shell has it: 128 and the signal for one that was killed. */
  readonly exited: Promise<number>;

  /** `program`: a path, looked for before. */
  constructor(program: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
    const [argv0 = program, ...args] = argv;
    this.#child = spawn(program, args, { argv0, env, stdio: 'inherit', detached: true });
    const passOn = (signal: NodeJS.Signals): void => void this.#signal(signal);
    for (const signal of PASSED_ON) process.on(signal, passOn);
    this.#forget = () => {
      for (const signal of PASSED_ON) process.off(signal, passOn);
    };
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', (error) => reject(notStarted(program, error)));
      this.#child.on('exit', (code, signal) => {
        resolve(code ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 0));
      });
    });
    // Heard by whoever waits; a program that could not be started is told there.
    this.exited.catch(() => undefined);
  }

  /** Asks the whole group to end, and ends what of it is left a while later. Resolves once nothing is. */
  async kill(): Promise<void> {
    this.#signal('SIGTERM');
    const until = Date.now() + GRACE_MS;
    while (this.#isThere() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    this.#signal('SIGKILL');
    await this.exited.catch(() => undefined);
  }

  /** Signals mean this command again. */
  release(): void {
    this.#forget();
  }

  #isThere(): boolean {
    return this.#signal(0);
  }

  #signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    try {
      // The group keeps its number while anything of it is there, so no other is meant.
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  }
}

function notStarted(program: string, cause: Error): Failure {
  const shown = quote(program);
  return new Failure(
    'failed-precondition',
    'PROGRAM_NOT_EXECUTABLE',
    `${shown} could not be started: ${cause.message}`,
    {
      field: 'CMD',
      value: shown,
      cause,
    },
  );
}
