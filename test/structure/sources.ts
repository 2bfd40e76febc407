// SPDX-License-Identifier: Apache-2.0
/** The project's own files and what each imports, for the tests of its shape. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, resolve } from 'node:path';
import { codeOnly } from '../../tools/guards/statement.ts';

export const top = resolve(import.meta.dirname, '../..');

export function filesBelow(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/node_modules'))
      .map((entry) => relative(top, join(entry.parentPath, entry.name))),
  );
}

export const readFile = (file: string): string => readFileSync(join(top, file), 'utf8');

/** Source with comments and the insides of strings blanked, so that a pattern speaks of code alone. */
export const codeOf = (file: string): string => codeOnly(readFile(file));

export interface Import {
  readonly file: string;
  readonly line: number;
  /** A project file relative to the top, or a package name as written. */
  readonly target: string;
  /** Types vanish before anything is loaded. */
  readonly typeOnly: boolean;
}

const IMPORT = /(?:\b(?:import|export)(\s+type)?\s[^;']*?from|(?<!-)\bimport)\s*\(?\s*'([^']+)'/g;

export function importsOf(file: string): Import[] {
  const text = readFile(file).replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  return [...text.matchAll(IMPORT)].map((match) => {
    const named = match[2] as string;
    const target = named.startsWith('.') ? posix.join(posix.dirname(file), named) : named;
    const line = text.slice(0, match.index).split('\n').length;
    return { file, line, target, typeOnly: match[1] !== undefined };
  });
}
