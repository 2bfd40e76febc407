// SPDX-License-Identifier: Apache-2.0
/** What a file helper is asked and what it answers. One job at a time each, so no job needs a number. */
import type { Environment, Terminal } from './background.ts';
import type { Baseline } from './baseline.ts';
import type { CeilingSubject } from './ceilings.ts';
import type { Look } from './look.ts';
import type { FileFacts, FileIdentity } from './statx.ts';

export type FileJob =
  /** Everything about a process that it can make a reader wait for. */
  | { readonly kind: 'look'; readonly pid: number }
  /** What a process was started with, or says that it was. */
  | { readonly kind: 'arguments'; readonly pid: number }
  /** What surrounds a process beside what it is. */
  | { readonly kind: 'background'; readonly pid: number }
  /** What stands at `path`, below the root of a process where one is named. */
  | { readonly kind: 'identity'; readonly path: string; readonly rootOfPid: number | undefined }
  /** The file that `pid` calls `argument`; `waiting`: as long as its file system makes it wait. */
  | { readonly kind: 'script'; readonly pid: number; readonly argument: string; readonly waiting: boolean }
  /** The content of that file, if it is `file`. */
  | {
      readonly kind: 'script-sha256';
      readonly pid: number;
      readonly argument: string;
      readonly file: FileFacts;
      readonly mostBytes: number;
    }
  /** The content of what `pid` runs, if that is `file`. */
  | { readonly kind: 'sha256'; readonly pid: number; readonly file: FileFacts; readonly mostBytes: number };

export type FileAnswer =
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'gone' }
  /** Each argument with its closing zero: the digest of all, and the first of them. */
  | { readonly kind: 'arguments'; readonly sha256: string; readonly head: Uint8Array; readonly whole: boolean }
  | {
      readonly kind: 'background';
      readonly environment: Environment;
      readonly terminal: Terminal;
      readonly baseline: Baseline;
    }
  | { readonly kind: 'identity'; readonly found: FileIdentity | undefined }
  /** `link`: where it lies, as the kernel calls it. */
  | { readonly kind: 'script'; readonly file: FileFacts; readonly link: Uint8Array; readonly shortMountId: bigint }
  /** Only the file system could say. */
  | { readonly kind: 'ask' }
  | { readonly kind: 'sha256'; readonly sha256: string }
  /** Cannot be hashed, and never could: not an error. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** Something went wrong this time. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface FileReader {
  /** `payer`: whose turn it takes, and who is refused for a while should it hold the helper up. */
  run(payer: CeilingSubject, job: FileJob, signal: AbortSignal): Promise<FileAnswer>;
}
