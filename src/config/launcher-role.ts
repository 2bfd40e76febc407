// SPDX-License-Identifier: Apache-2.0
/** What a role `launcher` in `admin.roles` may say beyond uid and prefix: what a launched program may do (attack A12). */
import { isAbsolute, normalize } from 'node:path';
import type { LauncherRole } from './config.ts';
import type { SettingsReader } from './reader.ts';
import type { MapTree, Tree } from './yaml-tree.ts';

type Options = Pick<LauncherRole, 'allowExec' | 'allowUidChange' | 'children' | 'programs'>;

const MOST_PROGRAMS = 64;

/** Mistakes go to `reader`. */
export function readLauncherOptions(reader: SettingsReader, item: MapTree, key: string): Options {
  return {
    allowExec: readFlag(reader, item, key, 'allow_exec'),
    allowUidChange: readFlag(reader, item, key, 'allow_uid_change'),
    children: readFlag(reader, item, key, 'children'),
    programs: readPrograms(reader, item.members.get('programs'), `${key}.programs`),
  };
}

export const LAUNCHER_MEMBERS = ['allow_exec', 'allow_uid_change', 'children', 'programs'] as const;

function readFlag(reader: SettingsReader, item: MapTree, key: string, name: string): boolean {
  const node = item.members.get(name);
  if (node === undefined) return false;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  const shown = node.kind === 'scalar' ? node.text : undefined;
  reader.refuse(reader.placeOf(`${key}.${name}`, node.line), shown, 'is neither true nor false', 'write true or false');
  return false;
}

function readPrograms(reader: SettingsReader, list: Tree | undefined, key: string): readonly string[] | undefined {
  if (list === undefined) return undefined;
  const refuse = (line: number, value: string | undefined, reason: string): undefined => {
    reader.refuse(reader.placeOf(key, line), value, reason, 'write [ /usr/bin/pay ], or leave it out for any program');
    return undefined;
  };
  // An empty list would read as "none" to one and as "any" to another.
  if (list.kind !== 'list' || list.items.length === 0) return refuse(list.line, undefined, 'must be a list of paths');
  if (list.items.length > MOST_PROGRAMS)
    return refuse(list.line, undefined, `names more than ${MOST_PROGRAMS} programs`);
  const paths: string[] = [];
  for (const item of list.items) {
    const path = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined;
    if (path === undefined) return refuse(item.line, undefined, 'holds something that is no path');
    if (!isPlainPath(path)) return refuse(item.line, path, 'is not an absolute path in its shortest form');
    paths.push(path);
  }
  return paths;
}

function isPlainPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !/[\u0000-\u001f\u007f]/.test(path);
}
