// SPDX-License-Identifier: Apache-2.0
/** A folder of policies: its files, and the tests beside them. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Failure, quote } from '../lib/failure.ts';
import { readTests, type Tests } from '../policy/cases.ts';
import { MOST_FILES, type PolicyFile, SET_MAX } from '../policy/files.ts';

/** With what `tests.yaml` says. */
export interface PolicyFolder extends Tests {
  readonly files: readonly PolicyFile[];
}

const TESTS = 'tests.yaml';
const TESTS_BYTES = 4 << 20;

/** Throws a Failure that names the file. */
export async function readPolicyFolder(folder: string, now: number): Promise<PolicyFolder> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw unreadable(folder, cause);
  });
  const files: PolicyFile[] = [];
  let tests: unknown;
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const path = join(folder, name);
    // guard: C1 test/cli/policy.test.ts — a forbid in a folder that nobody reads forbids nothing
    if (entry.isDirectory() && !name.startsWith('.'))
      throw odd(path, 'folders within a folder of policies are not read');
    if (name === TESTS) tests = readYaml(path, await readText(path, TESTS_BYTES));
    if (!name.endsWith('.cedar')) continue;
    // guard: I9 test/cli/policy.test.ts
    if (files.length >= MOST_FILES) throw odd(path, `more than ${MOST_FILES} files of policies are not taken`);
    files.push({ name, text: await readText(path, SET_MAX) });
  }
  // An empty set permits nothing, which is what it says; a folder that was named by mistake has no .cedar file either.
  if (files.length === 0) throw odd(folder, 'no file in it ends in .cedar');
  return { files, ...readTests(tests, now) };
}

/** A request in a file of its own. */
export async function readRequestFile(path: string): Promise<unknown> {
  return readYaml(path, await readText(path, TESTS_BYTES));
}

async function readText(path: string, mostBytes: number): Promise<string> {
  try {
    await using file = await open(path);
    const stat = await file.stat();
    if (!stat.isFile()) throw odd(path, 'it is no file');
    // guard: I9 test/cli/policy.test.ts
    if (stat.size > mostBytes) throw odd(path, `it has ${stat.size} bytes, at most ${mostBytes} are taken`);
    const bytes = Buffer.alloc(stat.size);
    await file.read(bytes, 0, stat.size, 0);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw cause instanceof Failure ? cause : unreadable(path, cause);
  }
}

function readYaml(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, prettyErrors: true });
  } catch (cause) {
    throw odd(path, `it is no YAML: ${(cause as Error).message.split('\n')[0]}`);
  }
}

function unreadable(path: string, cause: unknown): Failure {
  const { code } = cause as NodeJS.ErrnoException;
  return odd(path, code?.startsWith('ERR_ENCODING') ? 'it is no text in UTF-8' : `it cannot be read: ${code}`);
}

function odd(path: string, why: string): Failure {
  return new Failure('invalid-argument', 'POLICY_FILE_INVALID', `${quote(path)} is refused: ${why}`, {
    field: 'folder',
    value: quote(path),
    hint: 'name a folder with *.cedar files, and tests.yaml beside them',
  });
}
