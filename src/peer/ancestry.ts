// SPDX-License-Identifier: Apache-2.0
/**
 * Was a process started by another one, or below it, with everyone in between still there? Read on the main loop, so from
 * `status` alone (attack A11), by numbers; numbers are used again, so the chain is read twice.
 *
 * Upwards, then downwards: the caller, which a pidfd holds, has the same parent at the first look and the last, so that parent
 * was there all the while (an orphan goes to a process that was there before, never back), so what was read of it twice in
 * between is its own; and so on upwards to the leader, which a pidfd holds too.
 */
import { AT_FDCWD } from './native.ts';
import { readSafeText } from './proc-look.ts';
import type { ProcessHandle } from './process-handle.ts';

/** Generations between a leader and whom it started; nobody nests deeper by accident. */
const MOST_GENERATIONS = 64;

export type ParentOf = (pid: number) => number | undefined;

type Held = Pick<ProcessHandle, 'pid' | 'stillSame'>;

/** The leader is below itself. */
export function descendsFrom(process: Held, leader: Held, parentOf: ParentOf = parentByStatus): boolean {
  const chain = [process.pid];
  while (chain.at(-1) !== leader.pid) {
    const parent = parentOf(chain.at(-1) as number);
    // guard: I9 test/peer/ancestry.test.ts
    if (parent === undefined || parent <= 1 || chain.length > MOST_GENERATIONS) return false;
    chain.push(parent);
  }
  for (let at = chain.length - 2; at >= 0; at -= 1) {
    // guard: A4 test/peer/ancestry.test.ts — a number between them may have become another process meanwhile
    if (parentOf(chain[at] as number) !== chain[at + 1]) return false;
  }
  // guard: A4 test/peer/ancestry.test.ts
  return process.stillSame().same && leader.stillSame().same;
}

function parentByStatus(pid: number): number | undefined {
  try {
    const [, parent] = /^PPid:\t(\d+)$/m.exec(readSafeText(AT_FDCWD, `/proc/${pid}/status`)) ?? [];
    return parent === undefined ? undefined : Number(parent);
  } catch {
    // Gone, or hidden from us: then nothing is proven.
    return undefined;
  }
}
