// SPDX-License-Identifier: Apache-2.0
/** Pure parsers of what the kernel prints below /proc/PID (proc(5)). */
import { isUtf8 } from 'node:buffer';
import type { CgroupMembership, ProcessStatus } from './process-handle.ts';

export interface ProcStat {
  readonly state: string;
  /** Field 22: clock ticks since boot. */
  readonly startTime: bigint;
  /**
   * Where the kernel laid out the image at exec: fields 26-28 and 45-47. A new image gets new ones while addresses are
   * randomised (attack A5). Fields 48-51 are left out: programs move them to change their title (PR_SET_MM).
   * `1 1 0 0 0 0` for a reader who may not know; starts with `0` once the image is gone.
   */
  readonly layout: string;
}

/** The name in field 2 may hold anything, `)` and spaces too; no later field holds a `)`. */
export function parseStat(text: string): ProcStat {
  const fields = fieldsAfterName(text);
  const field = (number: number): string => {
    const value = fields[number - 3];
    if (value === undefined) throw new Error(`field ${number} of /proc/PID/stat is missing`);
    return value.trimEnd();
  };
  return {
    state: field(3),
    startTime: BigInt(field(22)),
    layout: [26, 27, 28, 45, 46, 47].map(field).join(' '),
  };
}

/** Field 7: the device of a controlling terminal, or 0. */
export function parseTerminal(stat: string): boolean {
  return fieldsAfterName(stat)[7 - 3] !== '0';
}

/** Fields 2 and 4: what it calls itself, and who started it. */
export function parseParent(stat: string): { readonly name: string; readonly parent: number } {
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return { name, parent: Number(fieldsAfterName(stat)[4 - 3]) };
}

/** Where the environment was put when the image was started: zeros for a reader who may not know. */
export interface EnvironmentPlace {
  readonly start: bigint;
  readonly bytes: number;
}

/** Fields 50 and 51. */
export function parseEnvironment(stat: string): EnvironmentPlace {
  const fields = fieldsAfterName(stat);
  const start = BigInt(fields[50 - 3] ?? 0);
  return { start, bytes: Number(BigInt(fields[51 - 3] ?? 0) - start) };
}

/** The kernel escapes newlines in `Name:`, so no workload can add a line. */
export function parseStatus(text: string): ProcessStatus {
  return { uid: effective(text, 'Uid'), gid: effective(text, 'Gid'), groups: numbers(line(text, 'Groups')) };
}

/** `Pid:` of a pidfd's fdinfo: 0 outside our pid namespace, -1 once reaped. */
export function parsePidfdInfo(text: string): number {
  const [pid] = numbers(line(text, 'Pid'));
  if (pid === undefined) throw new Error('fdinfo has no Pid line');
  return pid;
}

/**
 * `N:controllers:path` a line; paths may hold colons. Names are chosen by whoever owns the subtree: one that is no text
 * could pass for another once decoded.
 */
export function parseCgroups(bytes: Buffer): CgroupMembership[] {
  // guard: I9 test/peer/proc-text.test.ts
  if (!isUtf8(bytes)) throw new Error('a name in it is not UTF-8');
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => {
      const first = row.indexOf(':');
      const second = row.indexOf(':', first + 1);
      if (first < 0 || second < 0) throw new Error('a line of /proc/PID/cgroup has fewer than three parts');
      const controllers = row.slice(first + 1, second);
      return {
        hierarchy: Number(row.slice(0, first)),
        controllers: controllers === '' ? [] : controllers.split(','),
        path: row.slice(second + 1),
      };
    });
}

/** From field 3 on. */
function fieldsAfterName(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function line(text: string, name: string): string {
  const start = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1;
  if (start === 0 && !text.startsWith(`${name}:`)) throw new Error(`no ${name} line`);
  const end = text.indexOf('\n', start);
  return text.slice(start + name.length + 1, end < 0 ? undefined : end);
}

function numbers(text: string): number[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      if (!/^-?\d+$/.test(word)) throw new Error('not a number where the kernel prints one');
      return Number(word);
    });
}

/** Real, effective, saved, file system: the second. */
function effective(text: string, name: string): number {
  const value = numbers(line(text, name))[1];
  if (value === undefined) throw new Error(`the ${name} line has no effective id`);
  return value;
}
