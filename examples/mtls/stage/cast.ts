// SPDX-License-Identifier: Apache-2.0
/**
 * Who plays, and by what the daemon tells them apart. As root: by a uid each, which the kernel vouches for. Otherwise
 * all have the reader's uid, and it is the path of the program: each service runs a Node of its own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scratch, top } from './scratch.ts';

export type Role = 'billing' | 'orders' | 'intruder';

export interface Player {
  /** Node, to run the role's script with. */
  readonly node: string;
  readonly script: string;
  readonly cwd: string;
  /** Undefined: the reader's own. */
  readonly uid: number | undefined;
  /** Of its entry; the intruder has none. */
  readonly selectors: readonly string[];
}

const ROLES: readonly Role[] = ['billing', 'orders', 'intruder'];

/** Three uids that belong to nobody, or undefined where this process may not take on others. */
export function strangers(): readonly number[] | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const taken = new Set(linesOf('/etc/passwd').map((line) => Number(line.split(':')[2])));
  const free: number[] = [];
  for (let uid = 60_101; free.length < ROLES.length && uid < 60_500; uid += 1) if (!taken.has(uid)) free.push(uid);
  return free.every(canBecome) && free.length === ROLES.length ? free : undefined;
}

export function castByUid(scratch: Scratch, uids: readonly number[]): ReadonlyMap<Role, Player> {
  const node = scratch.copyNode('node');
  const cwd = scratch.copySources('examples/mtls');
  return new Map(
    ROLES.map((role, at) => {
      const uid = uids[at] as number;
      return [role, { node, script: scriptOf(cwd, role), cwd, uid, selectors: [`unix:uid:${uid}`] }];
    }),
  );
}

export function castByPath(scratch: Scratch): ReadonlyMap<Role, Player> {
  const uid = process.getuid?.();
  return new Map(
    ROLES.map((role) => {
      const node = role === 'intruder' ? process.execPath : scratch.copyNode(`${role}-node`);
      const selectors = [`unix:uid:${uid}`, `unix:path:${node}`];
      return [role, { node, script: scriptOf(top, role), cwd: top, uid: undefined, selectors }];
    }),
  );
}

function scriptOf(folder: string, role: Role): string {
  return join(folder, 'examples/mtls', `${role}.ts`);
}

/** In a container without the right, or without that uid, root is root by name only. */
function canBecome(uid: number): boolean {
  const tried = spawnSync('/bin/sh', ['-c', 'id -u'], { uid, gid: uid, cwd: '/', encoding: 'utf8' });
  return tried.status === 0 && tried.stdout.trim() === String(uid);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
