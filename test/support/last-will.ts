// SPDX-License-Identifier: Apache-2.0
/**
 * What is to be done when a test's process dies without having done it: containers and engines do not end with it. A
 * shell keeps the commands and runs them when its stdin ends, however that comes about.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

export class LastWill {
  #shell: ChildProcess | undefined;

  /** Each argument is one word of the command. */
  add(...words: readonly string[]): void {
    this.#shell ??= startShell();
    this.#shell.stdin?.write(`${words.map(quoted).join(' ')}\n`);
  }

  /** All is done, and nothing is left to it. */
  revoke(): void {
    this.#shell?.kill('SIGKILL');
    this.#shell = undefined;
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

function startShell(): ChildProcess {
  // In a group of its own, so that what kills the test's does not reach it.
  const shell = spawn('sh', ['-c', 'will=$(cat); eval "$will"'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.stdin?.on('error', () => undefined);
  // It is no reason for the test's process to stay.
  shell.unref();
  (shell.stdin as Socket | null)?.unref();
  return shell;
}
