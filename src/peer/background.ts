// SPDX-License-Identifier: Apache-2.0
/**
 * In a helper process: what surrounds a process beside what it is. The names of its environment (attack C5), and whether
 * somebody sits at it.
 *
 * The environment is that of the start of its image, as the kernel shows it. Its owner can write over it, take its pages away
 * or move where the kernel looks, so what is found there proves something and what is not proves nothing.
 */
import { readBaseline } from './baseline.ts';
import { EnvironScan } from './environ-scan.ts';
import type { FileAnswer, FileJob } from './file-jobs.ts';
import { O_RDONLY, openAt, readAt, readInto, setDumpable } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { ProcessGone, type ProcFolder, readByNumber } from './proc-look.ts';
import { type EnvironmentPlace, parseEnvironment, parseParent, parseTerminal } from './proc-text.ts';

export type Environment =
  /** `names`: of secrets, sorted. */
  | { readonly outcome: 'found'; readonly names: readonly string[] }
  | { readonly outcome: 'none-seen' }
  | { readonly outcome: 'unreadable'; readonly reason: string };

export interface Terminal {
  /** It has a controlling terminal. */
  readonly attached: boolean;
  /** What of those above it lets people in: `sshd`, `login`, or a login shell by its name, `-bash`. */
  readonly login: string | undefined;
}

/** More than the kernel takes at an exec by default (execve(2): a quarter of 8 MiB), and than the 6 MiB it ever takes. */
const MOST_BYTES = 8 << 20;
/** Or a part of one, where pages are larger. */
const PAGE_BYTES = 4_096;
/** Above it; nobody nests deeper by accident. */
const MOST_ANCESTORS = 32;

export function backgroundOf({ pid }: Extract<FileJob, { kind: 'background' }>): FileAnswer {
  // guard: I10 test/peer/background.test.ts — no core and no look into this helper's memory, where values pass through
  setDumpable(false);
  return readByNumber(pid, (folder) => {
    const environment = readEnvironment(folder);
    const terminal = readTerminal(folder);
    // Last: should an exec come in between, it shows here.
    return { kind: 'background', environment, terminal, baseline: readBaseline(folder) };
  });
}

/** `mostBytes`: then it stops. */
export function readEnvironment(folder: ProcFolder, mostBytes = MOST_BYTES): Environment {
  const scan = new EnvironScan();
  const place = parseEnvironment(folder.text('stat'));
  const stopped = scanEnvironment(folder, scan, place, mostBytes);
  const { names } = scan;
  if (names.length > 0) return { outcome: 'found', names };
  // guard: C5 test/peer/background.test.ts — what cannot be read is never taken for what is not there
  const reason = stopped ?? whyNothing(scan, place.bytes);
  return reason === undefined ? { outcome: 'none-seen' } : { outcome: 'unreadable', reason };
}

/**
 * A page at a time: the kernel gives nothing of a read that comes upon a page that its owner took away (environ_read). What
 * lies behind such a page is read all the same. Answers a reason where it was not read to its end.
 */
function scanEnvironment(
  folder: ProcFolder,
  scan: EnvironScan,
  { start, bytes }: EnvironmentPlace,
  mostBytes: number,
): string | undefined {
  const page = Buffer.alloc(PAGE_BYTES);
  try {
    const file = new OwnedFd(openAt(folder.fd, 'environ', O_RDONLY));
    try {
      let toBoundary = PAGE_BYTES - Number(start % BigInt(PAGE_BYTES));
      for (let at = 0; at <= mostBytes; toBoundary = PAGE_BYTES) {
        const count = readPart(file, page.subarray(0, toBoundary), at);
        if (count === 0 && at >= bytes) return undefined;
        if (count === 0) scan.skip();
        else scan.take(page.subarray(0, count));
        at += count === 0 ? toBoundary : count;
      }
      // guard: A11 test/peer/background.test.ts
      return `it is longer than ${mostBytes} bytes`;
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof NativeError) || error.code === 'ESRCH') throw error;
    return `this daemon may not read it (${error.code})`;
  } finally {
    // guard: I10 test/peer/background.test.ts — the values are nobody's to find later
    page.fill(0);
  }
}

/** 0 where the page is not there. */
function readPart(file: OwnedFd, bytes: Buffer, at: number): number {
  try {
    return readAt(file.number, bytes, at);
  } catch (error) {
    if (error instanceof NativeError && (error.code === 'EIO' || error.code === 'EFAULT')) return 0;
    throw error;
  }
}

function whyNothing(scan: EnvironScan, due: number): string | undefined {
  // guard: C5 test/peer/background.test.ts
  if (scan.bytes === 0) return 'it reads empty';
  // guard: C5 test/peer/background.test.ts
  if (scan.bytes < due) return 'a part of it reads empty';
  // guard: C5 test/peer/background.test.ts
  if (scan.isOverwritten || scan.variables === 0) return 'it was written over';
  return undefined;
}

function readTerminal(folder: ProcFolder): Terminal {
  const stat = folder.text('stat');
  if (!parseTerminal(stat)) return { attached: false, login: undefined };
  let { parent } = parseParent(stat);
  for (let above = 0; above < MOST_ANCESTORS && parent > 1; above += 1) {
    const found = ancestor(parent);
    if (found === undefined) break;
    if (found.login !== undefined) return { attached: true, login: found.login };
    parent = found.parent;
  }
  return { attached: true, login: undefined };
}

/** By the names that they have: a sign, no proof, as their owners choose them. */
const LOGINS: ReadonlySet<string> = new Set(['sshd', 'sshd-session', 'login', 'su', 'sudo']);

function ancestor(pid: number): { readonly parent: number; readonly login: string | undefined } | undefined {
  try {
    return readByNumber(pid, (folder) => {
      const { name, parent } = parseParent(folder.text('stat'));
      return { parent, login: LOGINS.has(name) ? name : loginShell(folder) };
    });
  } catch (error) {
    if (error instanceof ProcessGone) return undefined;
    throw error;
  }
}

/** Whoever starts a login shell puts a dash before its name (bash(1), INVOCATION). */
function loginShell(folder: ProcFolder): string | undefined {
  const head = Buffer.alloc(16);
  const file = new OwnedFd(openAt(folder.fd, 'cmdline', O_RDONLY));
  try {
    const text = head.toString('latin1', 0, readInto(file.number, head));
    return /^-[a-z]{1,12}(?=\0|$)/.exec(text)?.[0];
  } finally {
    file.close();
  }
}
