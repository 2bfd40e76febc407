// SPDX-License-Identifier: Apache-2.0
/** What every command that signs does around the signature. */
import { readFile } from 'node:fs/promises';
import { SCREEN_COLUMNS } from '../approvals/screen-lines.ts';
import { Failure } from '../lib/failure.ts';
import type { Io } from './io.ts';
import type { Signer } from './signer.ts';
import { usage } from './usage.ts';

const MOST_FILE_BYTES = 65_536;

/** Whoever is not at a terminal has not seen it. */
export async function confirm(io: Io, yes: boolean | undefined, word: string, { human, key }: Signer): Promise<void> {
  if (yes === true) return;
  const terminal = io.terminal();
  if (terminal === undefined) throw usage('--yes', undefined, 'is required where there is no terminal to ask on');
  // guard: C4 test/cli/approve.test.ts — a terminal that breaks lines by itself shows something else
  if (terminal.columns < SCREEN_COLUMNS)
    throw usage('terminal', `${terminal.columns} columns`, `is narrower than ${SCREEN_COLUMNS}`, 'make it wider');
  const typed = await terminal.ask(`Sign this as ${human} with ${key.fingerprint}? Type ${word} to do so: `);
  // guard: C4 test/cli/approve.test.ts
  if (typed.trim() !== word)
    throw new Failure('failed-precondition', 'NOT_CONFIRMED', 'nothing was signed', {
      hint: `type ${word} where you are asked to`,
    });
}

export async function textOf(file: string, flag: string): Promise<string> {
  try {
    return (await readFile(file)).subarray(0, MOST_FILE_BYTES).toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw usage(flag, file, `cannot be read: ${code}`);
  }
}
