// SPDX-License-Identifier: Apache-2.0
/**
 * As whom a process and those who started it run, up to the leader of its session: whoever of them reaches a human's keys could have
 * had the process made (attack C2). Read on the main loop, so from `status` alone (attack A11), by numbers, and as in `ancestry.ts` twice.
 */
import { AT_FDCWD } from './native.ts';
import { readSafeText } from './proc-look.ts';
import type { ProcessHandle } from './process-handle.ts';

export interface ProcessOwners {
  /** Real, effective, saved and of the file system; each once. Undefined where one of the processes could not be looked at. */
  readonly uids: readonly number[] | undefined;
  /** The same, with the supplementary ones. */
  readonly gids: readonly number[] | undefined;
}

export interface StatusLook {
  readonly parent: number;
  /** The number of its session's leader; 0 where that is outside our pid namespace. */
  readonly session: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

export type LookAtStatus = (pid: number) => StatusLook | undefined;

const MOST_GENERATIONS = 64;
const NOT_KNOWN: ProcessOwners = { uids: undefined, gids: undefined };

export function ownersOf(
  process: Pick<ProcessHandle, 'pid' | 'stillSame'>,
  look: LookAtStatus = lookAtStatus,
): ProcessOwners {
  const chain: [pid: number, seen: StatusLook][] = [];
  let pid = process.pid;
  for (;;) {
    const seen = look(pid);
    // guard: C2 test/peer/process-owners.test.ts — also where the leader of the session has gone: who it was nobody knows
    if (seen === undefined || seen.session === 0 || chain.length >= MOST_GENERATIONS) return NOT_KNOWN;
    chain.push([pid, seen]);
    if (pid === chain[0]?.[1].session) break;
    pid = seen.parent;
  }
  for (const [one, seen] of chain.toReversed()) {
    const again = look(one);
    // guard: A4 test/peer/process-owners.test.ts — a number between them may have become another process meanwhile
    if (JSON.stringify(again) !== JSON.stringify(seen)) return NOT_KNOWN;
  }
  // guard: A4 test/peer/process-owners.test.ts
  if (!process.stillSame().same) return NOT_KNOWN;
  return {
    uids: [...new Set(chain.flatMap(([, { uids }]) => uids))],
    gids: [...new Set(chain.flatMap(([, { gids }]) => gids))],
  };
}

function lookAtStatus(pid: number): StatusLook | undefined {
  if (pid < 1) return undefined;
  try {
    return parseStatus(readSafeText(AT_FDCWD, `/proc/${pid}/status`));
  } catch {
    // Gone, or hidden from us.
    return undefined;
  }
}

/** proc_pid_status(5). Undefined where a row is missing. */
export function parseStatus(text: string): StatusLook | undefined {
  const row = (name: string): readonly number[] | undefined => {
    const [, values] = new RegExp(`^${name}:[ \\t]*([0-9 \\t]*)$`, 'm').exec(text) ?? [];
    return values
      ?.trim()
      .split(/[ \t]+/)
      .filter((one) => one !== '')
      .map(Number);
  };
  const [parent, session, uids, gids, groups] = ['PPid', 'NSsid', 'Uid', 'Gid', 'Groups'].map(row);
  if (parent?.[0] === undefined || session?.[0] === undefined || uids?.length !== 4 || gids?.length !== 4 || !groups)
    return undefined;
  return { parent: parent[0], session: session[0], uids, gids: [...gids, ...groups] };
}
