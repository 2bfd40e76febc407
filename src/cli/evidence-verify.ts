// SPDX-License-Identifier: Apache-2.0
/** `assay evidence verify FILE`: exit 0 when it holds, 1 when anything does not. Asks nobody. */
import { open } from 'node:fs/promises';
import { type Evidence, MOST_BYTES, readEvidence } from '../evidence/format.ts';
import { type Verified, verifyEvidence } from '../evidence/verify.ts';
import type { KnownKeys } from '../evidence/vote-checks.ts';
import { Failure, quote } from '../lib/failure.ts';
import { parseVerifierKey } from '../merkle/note.ts';
import type { Io } from './io.ts';
import { type Format, plain, printJson } from './print.ts';
import { evidenceJson, printEvidence } from './show-evidence.ts';
import { keyOfFile } from './ssh-keys.ts';
import { usage } from './usage.ts';

interface Options {
  readonly output: Format;
  readonly logKey?: string;
  readonly humanKey?: readonly string[];
}

export async function evidenceVerify(io: Io, options: Options, [file = '']: readonly string[]): Promise<number> {
  if (options.logKey !== undefined) parseVerifierKey(options.logKey);
  const humanKeys = await keysOf(options.humanKey ?? []);
  const evidence = readEvidence(await bytesOf(file));
  const verified = verifyEvidence(evidence, { logKey: options.logKey, humanKeys });
  if (options.output === 'json') printJson(io, evidenceJson(evidence, verified, options.logKey !== undefined));
  else print(io, evidence, verified, options.logKey);
  return verified.faults.length === 0 ? 0 : 1;
}

function print(io: Io, evidence: Evidence, verified: Verified, logKey: string | undefined): void {
  const { faults, remarks } = verified;
  // guard: B5 test/cli/evidence-verify.test.ts
  if (logKey === undefined)
    io.talk(
      [
        'WARNING: the log key is the one that the file itself names. Whoever made the file may have made the log:',
        `         ${plain(evidence.verifierKey)}`,
        '         Compare it with the key as the daemon printed it (assay audit checkpoint --key), or give that with --log-key.\n',
      ].join('\n'),
    );
  printEvidence(io, verified);
  for (const remark of remarks) io.out(`note: ${plain(remark)}\n`);
  for (const fault of faults) io.out(`FAULT: ${plain(fault)}\n`);
  io.out(faults.length === 0 ? 'verdict: it holds\n' : `verdict: it does not hold, ${faults.length} faults\n`);
}

/** `NAME=FILE` of a public key, again and again. */
async function keysOf(texts: readonly string[]): Promise<KnownKeys> {
  const keys = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [, name, file] = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/s.exec(text) ?? [];
    if (name === undefined || file === undefined)
      throw usage('--human-key', text, 'is not of the form NAME=FILE', 'write --human-key alice=alice.pub');
    const { blob } = await keyOfFile(file);
    keys.set(name, [...(keys.get(name) ?? []), blob]);
  }
  return keys;
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      // Of a pipe nobody knows; a file that is too long is not read.
      return size > MOST_BYTES ? Buffer.alloc(MOST_BYTES + 1) : await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(
      'invalid-argument',
      'EVIDENCE_UNREADABLE',
      `the evidence ${quote(path)} cannot be read: ${code}`,
      {
        field: 'FILE',
        value: quote(path),
        hint: 'give the file that assay evidence was written to',
        cause,
      },
    );
  }
}
