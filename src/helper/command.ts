// SPDX-License-Identifier: Apache-2.0
/**
 * Runs a command to its end, without a shell, in a process group of its own. One that takes too long is asked to end and then
 * ended, with whatever it started in its group; it holds up no renewal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { RunAction } from './settings.ts';

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5_000;

export interface RunningCommand {
  /** Resolves when it ended well; rejects with HELPER_COMMAND_FAILED or HELPER_COMMAND_HUNG. */
  readonly ended: Promise<void>;
  /** Asks it to end, and ends it after a while. */
  stop(): void;
}

export function runCommand({ command, timeoutMs }: RunAction, env: NodeJS.ProcessEnv, clock: Clock): RunningCommand {
  const [program, ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env });
  let hung = false;
  let harder = clock.after(timeoutMs, () => {
    hung = true;
    stop();
  });
  const stop = (): void => {
    harder.cancel();
    signalGroup(child, 'SIGTERM');
    harder = clock.after(GRACE_MS, () => signalGroup(child, 'SIGKILL'));
  };
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(failed(program, `could not be started (${codeOf(cause)})`, cause)));
    child.once('exit', (code, signal) => {
      if (hung) reject(hungFor(program, timeoutMs));
      else if (code === 0) resolve();
      else reject(failed(program, signal === null ? `ended with status ${code}` : `was ended by ${signal}`));
    });
  }).finally(() => {
    harder.cancel();
    // What it left behind in its group would go on with the timeout over.
    if (hung) signalGroup(child, 'SIGKILL');
  });
  return { ended, stop };
}

/** The group has the pid of its first process as its number; that one may have gone before the others. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have gone.
  }
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;

function failed(program: string, what: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'HELPER_COMMAND_FAILED', `${quote(program)} ${what}`, {
    field: 'command',
    value: quote(program),
    hint: 'run it by hand as the user that the helper runs as',
    cause,
  });
}

function hungFor(program: string, timeoutMs: number): Failure {
  const text = `${quote(program)} had not ended after ${formatDuration(timeoutMs)} and was ended`;
  return new Failure('failed-precondition', 'HELPER_COMMAND_HUNG', text, {
    field: 'command',
    value: quote(program),
    hint: 'give it longer with timeout, or find out what it waits for',
  });
}
