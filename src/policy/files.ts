// SPDX-License-Identifier: Apache-2.0
/** A set of policies as files: their names, their bounds, and the one hash that names them all. */
import { createHash } from 'node:crypto';
import { Failure, quote } from '../lib/failure.ts';
import { GUARDRAILS } from './guardrails.ts';
import { SCHEMA } from './schema.ts';

export interface PolicyFile {
  /** Without a folder: `crm.cedar`. */
  readonly name: string;
  readonly text: string;
}

export const MOST_FILES = 256;
/** Bytes of all files: what fits into a request of the admin API. */
export const SET_MAX = 786_432;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}\.cedar$/;
/** Never the name of a file of a site: those have no colon. */
export const GUARDRAILS_FILE = 'assay:guardrails.cedar';
const SCHEMA_FILE = 'assay:schema.cedarschema';

/** By name, each once. Throws Failure('invalid-argument', 'POLICY_FILE_INVALID' | 'LIMIT_REACHED'). */
export function parseFiles(files: readonly PolicyFile[]): readonly PolicyFile[] {
  // guard: I9 test/policy/files.test.ts
  if (files.length > MOST_FILES) throw tooMuch(`${files.length} files`, `${MOST_FILES} files`);
  const length = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  // guard: I9 test/policy/files.test.ts
  if (length > SET_MAX) throw tooMuch(`${length} bytes`, `${SET_MAX} bytes`);
  const seen = new Set<string>();
  for (const { name } of files) {
    // guard: B7 test/policy/files.test.ts
    if (!NAME.test(name)) throw invalid(name, 'small letters, digits, . _ - and the end .cedar are what it may have');
    // guard: B7 test/policy/files.test.ts
    if (seen.has(name)) throw invalid(name, 'it is there twice');
    seen.add(name);
  }
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, text }) => ({ name, text }));
}

/**
 * Of everything that decides: the site's files, the guardrails and the schema. SHA-256, lower-case hex, over name and text of
 * each, sorted by name, each with its length in bytes before it, so that no two sets have the same bytes. Guardrails and schema: those
 * of this release, unless it is a set of another.
 */
export function policyHash(files: readonly PolicyFile[], guardrails = GUARDRAILS, schema = SCHEMA): string {
  const own = [
    { name: GUARDRAILS_FILE, text: guardrails },
    { name: SCHEMA_FILE, text: schema },
  ];
  const sorted = [...own, ...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash('sha256');
  for (const part of sorted.flatMap(({ name, text }) => [name, text])) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

export function schemaHash(): string {
  return createHash('sha256').update(SCHEMA).digest('hex');
}

function tooMuch(is: string, most: string): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${is} of policies are refused: at most ${most} are allowed`,
    {
      field: 'files',
      value: is,
      hint: 'join files, or leave out policies that are no longer needed',
    },
  );
}

function invalid(name: string, broken: string): Failure {
  return new Failure('invalid-argument', 'POLICY_FILE_INVALID', `file ${quote(name)} is refused: ${broken}`, {
    field: 'files',
    value: quote(name),
    hint: 'name it like crm.cedar',
  });
}
