// SPDX-License-Identifier: Apache-2.0
/** `assay evidence TASK`: one file with all that there is of a task, to be checked elsewhere (docs/evidence.md). */
import { open } from 'node:fs/promises';
import { evidenceText } from '../evidence/format.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import { Failure, quote } from '../lib/failure.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { gather } from './evidence-gather.ts';
import type { Io } from './io.ts';

interface Options extends AdminOptions {
  readonly out?: string;
}

export async function evidence(io: Io, options: Options, [id = '']: readonly string[]): Promise<number> {
  const gathered = await withAdmin(io, options, (admin) => gather(admin, id));
  const text = evidenceText(gathered);
  if (options.out === undefined) io.out(text);
  else await write(options.out, text);
  // Whoever hands it over hears of it, not only whoever gets it.
  const { faults } = verifyEvidence(gathered, { logKey: gathered.verifierKey, humanKeys: new Map() });
  for (const fault of faults) io.talk(`it does not hold: ${fault}\n`);
  return faults.length === 0 ? 0 : 1;
}

/** Never over a file that is there: what it says of people and processes is for its owner alone. */
async function write(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure('failed-precondition', 'WRITE_FAILED', `--out: ${quote(path)} cannot be written (${code})`, {
      field: '--out',
      value: quote(path),
      hint: 'name a file that is not there yet, in a folder that this user may write',
      cause,
    });
  }
}
