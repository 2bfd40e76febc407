// SPDX-License-Identifier: Apache-2.0
/** `assay audit verify`: exit 0 when all is as it was written, 1 when anything is not. */
import { readFile } from 'node:fs/promises';
import type { Verified } from '../daemon/catalog.ts';
import { Failure, quote } from '../lib/failure.ts';
import { anchoredNotes, type DataOptions, dataPlace } from './data-place.ts';
import type { Io } from './io.ts';
import { type Format, plain, printFields, printJson } from './print.ts';

interface Options extends DataOptions {
  readonly output: Format;
  readonly since?: readonly string[];
  readonly key?: string;
}

const MOST_NOTE_BYTES = 16_384;

export async function auditVerify(io: Io, options: Options): Promise<number> {
  const { dataDir, checkpointFile } = await dataPlace(io, options);
  const { dataFolderTools } = await import('../daemon/catalog.ts');
  const anchors = await anchoredNotes(dataDir, checkpointFile);
  const outside = anchors.map(({ path, note }) => ({ row: `checkpoint in ${path}`, note }));
  for (const file of options.since ?? []) outside.push({ row: `checkpoint in ${file}`, note: await noteIn(file) });
  const { parseVerifierKey } = await import('../merkle/note.ts');
  const verifier = options.key === undefined ? undefined : parseVerifierKey(options.key);
  const started = performance.now();
  const verified = await (await dataFolderTools()).verify({ dataDir, verifier, outside });
  const seconds = (performance.now() - started) / 1_000;
  if (options.output === 'json') printJson(io, verifiedJson(verified));
  else print(io, verified, seconds);
  return verified.faults.length === 0 ? 0 : 1;
}

function print(io: Io, verified: Verified, seconds: number): void {
  const { events, root, checkpoints, payloadsGone, faults, more, keys } = verified;
  printFields(io, [
    ['events', String(events)],
    ['root', root.toString('base64')],
    ['checkpoints', String(checkpoints)],
    ['payloads gone', payloadsGone === 0 ? undefined : `${payloadsGone}, erased or left with their row`],
    ['key', keys.join(' ')],
    ['took', `${seconds.toFixed(1)} s`],
    ['verdict', faults.length === 0 ? 'all is as it was written' : `${faults.length + more} faults`],
  ]);
  for (const { row, what } of faults) io.out(`${plain(row)}: ${plain(what)}\n`);
  if (more > 0) io.out(`and ${more} more\n`);
}

function verifiedJson({ events, root, checkpoints, payloadsGone, faults, more, keys }: Verified): object {
  return {
    events,
    root: root.toString('base64'),
    checkpoints,
    payloads_gone: payloadsGone,
    keys,
    verified: faults.length === 0,
    faults,
    more_faults: more,
  };
}

async function noteIn(file: string): Promise<string> {
  try {
    return (await readFile(file)).subarray(0, MOST_NOTE_BYTES + 1).toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure('invalid-argument', 'CHECKPOINT_UNREADABLE', `--since ${quote(file)} cannot be read: ${code}`, {
      field: '--since',
      value: file,
      hint: 'give the file that `assay audit checkpoint` was written to',
      cause,
    });
  }
}
