// SPDX-License-Identifier: Apache-2.0
/** What a command may touch of the world outside: handed in, so that a test hands in its own. */
import { createInterface } from 'node:readline/promises';
import { systemClock } from '../lib/clock.ts';

export interface Io {
  /** Data, on standard output. */
  out(text: string): void;
  /** Talk, on standard error. */
  talk(text: string): void;
  readonly env: ReadonlyMap<string, string>;
  readonly uid: number;
  now(): number;
  /** All of standard input, at most `mostBytes`. */
  readInput(mostBytes: number): Promise<Buffer>;
  /** Undefined where nobody could answer. */
  terminal(): Terminal | undefined;
  /** Aborts when the user asks to stop: SIGINT or SIGTERM. */
  interrupted(): AbortSignal;
}

export interface Terminal {
  readonly columns: number;
  /** Shown on standard error; resolves with the line that was typed. */
  ask(question: string): Promise<string>;
}

/** The real one. */
export function processIo(): Io {
  // A reader that went away (`assay entry list | head`) ends the command, quietly; one of the talk alone does not.
  process.stdout.on('error', endWithReader);
  process.stderr.on('error', () => undefined);
  return {
    out: (text) => void process.stdout.write(text),
    talk: (text) => void process.stderr.write(text),
    env: new Map(Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined)),
    uid: process.getuid!(),
    now: () => systemClock.now(),
    readInput,
    terminal,
    interrupted,
  };
}

function endWithReader(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
}

/** For a daemon: whether anybody reads what it prints is nothing to it. */
export function outliveReaders(): void {
  process.stdout.off('error', endWithReader);
  process.stdout.on('error', () => undefined);
}

async function readInput(mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > mostBytes) break;
  }
  return Buffer.concat(chunks);
}

function terminal(): Terminal | undefined {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY || !output.isTTY) return undefined;
  return {
    columns: output.columns,
    async ask(question) {
      const reader = createInterface({ input, output });
      try {
        return await reader.question(question);
      } finally {
        reader.close();
      }
    },
  };
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}
