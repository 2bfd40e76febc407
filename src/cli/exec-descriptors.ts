// SPDX-License-Identifier: Apache-2.0
/**
 * What a launched program inherits beside its environment: standard input, output and error, the descriptors that are kept
 * by number, and signals and limits as they were before Node changed them for itself.
 */
import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { closeOnExec, setDescriptorLimit } from '../peer/native.ts';
import { usage } from './usage.ts';

/** Read before anything is opened, so that none of the launcher's own gets one of these numbers. */
export function inherited(numbers: readonly string[]): ReadonlySet<number> {
  return new Set(numbers.map(inheritedOne));
}

function inheritedOne(text: string): number {
  const fd = /^\d{1,7}$/.test(text) ? Number(text) : -1;
  if (fd < 3)
    throw usage('--keep-fd', text, 'is no number from 3 on', 'standard input, output and error are kept anyway');
  try {
    fstatSync(fd);
    // Node's own event loop; nothing that a parent hands on.
    if (!readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:[event')) return fd;
  } catch {
    // Told below.
  }
  throw usage('--keep-fd', text, 'is not open', 'open it for the launcher first, as in 5<file');
}

/** Nothing but these and the first three outlives the exec. */
export function handOverDescriptors(kept: ReadonlySet<number>, descriptorLimit: number | undefined): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd > 2 && isOpen(fd)) {
      // guard: A12 test/cli/exec.test.ts — whoever started the launcher may have left anything open
      closeOnExec(fd, !kept.has(fd));
    }
  }
  if (descriptorLimit !== undefined) setDescriptorLimit(descriptorLimit);
}

/** The one of the listing itself is not. */
function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/**
 * Node ignores two signals, and what is ignored stays so across an exec (execve(2)); a handler given up sets them back. It
 * also puts the pipes it has into non-blocking mode, for all who hold them.
 */
export function undoNode(): void {
  const nothing = (): void => undefined;
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) {
    process.on(signal as NodeJS.Signals, nothing);
    process.off(signal, nothing);
  }
  for (const stream of [process.stdin, process.stdout, process.stderr] as readonly { readonly _handle?: Handle }[]) {
    stream._handle?.setBlocking?.(true);
  }
}

interface Handle {
  setBlocking?(on: boolean): void;
}
