// SPDX-License-Identifier: Apache-2.0
/** Single values of a configuration: names of files, signals, modes. */
import { constants } from 'node:os';
import type { SectionReader } from './section-reader.ts';

const NO_HANDLER: ReadonlySet<string> = new Set(['SIGKILL', 'SIGSTOP']);

/** A name within the folder: no path, nothing that the helper's own names begin with. */
export function fileName(reader: SectionReader, key: string): string | undefined {
  const name = reader.text(key);
  if (name === undefined) return undefined;
  if (!name.includes('/') && name !== '.' && name !== '..' && !name.startsWith('.assay-') && name.length <= 200)
    return name;
  reader.refuse(key, 'is no file name', 'give a name without a path; the folder has a key of its own');
  return undefined;
}

export function signalName(reader: SectionReader, key: string): NodeJS.Signals | undefined {
  const text = reader.text(key);
  if (text === undefined) return undefined;
  const name = Object.keys(constants.signals).find((one) => one === text);
  if (name !== undefined && !NO_HANDLER.has(name)) return name as NodeJS.Signals;
  reader.refuse(key, 'is no signal that a process can act on', 'write SIGHUP, SIGUSR1 or another by its name');
  return undefined;
}

/** Permission bits as chmod reads them: `0640`, `640`, `0o640`. */
export function octalMode(reader: SectionReader, key: string, fallback: number): number {
  const text = reader.text(key);
  if (text === undefined) return fallback;
  const digits = /^(?:0o|0)?([0-7]{3})$/.exec(text)?.[1];
  if (digits !== undefined) return Number.parseInt(digits, 8);
  reader.refuse(key, 'is no file mode', 'write three octal digits, such as 0640');
  return fallback;
}
