// SPDX-License-Identifier: Apache-2.0
/** The `assay` command: as users run it, a child process, or the same tree of commands here, which is faster. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { buildTree } from '../../src/cli/tree.ts';

const top = resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 25_000;

export interface CliResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** What is typed where a command asks; without it there is no terminal. In this process alone. */
  readonly typed?: string;
  readonly columns?: number;
  /** Put before `bin/assay`: another program that starts it. */
  readonly through?: readonly string[];
  /** Told of all that was printed so far each time there is more. */
  readonly watch?: (out: string, interrupt: () => void) => void;
}

/** Nothing of the test's own environment that names a daemon reaches the command. */
export function assay(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const [program, ...before] = [...(options.through ?? []), join(top, 'bin/assay')];
  return runProgram(program as string, [...before, ...args], options);
}

export function runProgram(program: string, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const clean = Object.entries(process.env).filter(([name]) => !/^(ASSAY_|SPIFFE_|XDG_)/.test(name));
  const child = spawn(program, [...args], {
    env: { ...Object.fromEntries(clean), ...options.env },
    timeout: TIMEOUT_MS,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    options.watch?.(out, () => child.kill('SIGINT'));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, out, err }));
  });
}

/** The same command in this process. */
export async function assayHere(
  args: readonly string[],
  options: Omit<CliOptions, 'through' | 'watch'> = {},
): Promise<CliResult> {
  let out = '';
  let err = '';
  const program = buildTree(
    {
      out: (text) => {
        out += text;
      },
      talk: (text) => {
        err += text;
      },
      env: new Map(Object.entries(options.env ?? {})),
      uid: process.getuid!(),
      now: () => Date.now(),
      readInput: async () => Buffer.from(options.input ?? ''),
      terminal: () =>
        options.typed === undefined
          ? undefined
          : {
              columns: options.columns ?? 80,
              ask: async (question) => {
                err += question;
                return options.typed ?? '';
              },
            },
      interrupted: () => new AbortController().signal,
    },
    'test',
  );
  return { code: await program.run(args), out, err };
}
