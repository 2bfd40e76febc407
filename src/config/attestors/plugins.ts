// SPDX-License-Identifier: Apache-2.0
/**
 * `attestors.NAME` of every NAME that is no attestor of ours: one that others wrote. It is a module that the daemon loads, a
 * command that it runs, or a socket where it runs already.
 */
import { dirname, resolve } from 'node:path';
import type { Accounts } from '../accounts.ts';
import type { SettingsReader } from '../reader.ts';
import { type Distrust, distrust } from '../trusted-path.ts';
import { PluginReader, SOURCES } from './plugin-reader.ts';

export type PluginConfig = {
  readonly name: string;
  /** The most it may claim. */
  readonly strength: 'authority' | 'claimed';
  /** What stands below `config`, for the plugin to read: lists, scalars, objects without a prototype. */
  readonly config: unknown;
} & PluginPart;

export type PluginPart =
  /** Absolute. */
  | { readonly kind: 'module'; readonly module: string }
  /** The program by its absolute path, and its arguments. Without `uid` as the daemon; `gid` by then is that of the account. */
  | {
      readonly kind: 'command';
      readonly command: readonly string[];
      readonly uid: number | undefined;
      readonly gid: number | undefined;
    }
  /** Absolute, and who must listen there. */
  | { readonly kind: 'socket'; readonly socket: string; readonly uid: number };

/** Names of our own attestors, built or to come: no plugin may speak under one of them (attack A13). */
export const BUILT_IN = ['unix', 'docker', 'k8s', 'systemd', 'launcher', 'script'] as const;

const MOST_PLUGINS = 16;

/** `folder`: of the configuration file, where relative paths start. */
export function readPlugins(reader: SettingsReader, folder: string): readonly PluginConfig[] {
  const block = reader.tree('attestors');
  if (block?.kind !== 'map') return [];
  const plugins: PluginConfig[] = [];
  for (const [name, node] of block.members) {
    // guard: A13 test/config/plugins.test.ts
    if ((BUILT_IN as readonly string[]).includes(name)) continue;
    // Anything else is no attestor at all, and refused where unknown keys are.
    if (node.kind !== 'map' || !SOURCES.some((source) => node.members.has(source))) continue;
    const plugin = new PluginReader(reader, name, node, folder).read();
    if (plugin !== undefined) plugins.push(plugin);
  }
  if (plugins.length > MOST_PLUGINS)
    reader.refuse('attestors', plugins.length, `plugins are more than the ${MOST_PLUGINS} allowed`);
  return plugins;
}

/** Could somebody else change what would run, or answer, for the daemon? */
export async function checkPlugins(
  reader: SettingsReader,
  plugins: readonly PluginConfig[],
  uid: number,
  accounts: Accounts,
): Promise<void> {
  for (const plugin of plugins) {
    const found = distrusted(plugin, new Set([0, uid]));
    const key = `attestors.${plugin.name}.${plugin.kind}`;
    // guard: A13 test/config/plugins.test.ts
    if (found !== undefined) reader.refuse(labelOf(reader, key), found.path, found.reason, found.hint);
    if (plugin.kind === 'command') await checkUser(reader, plugin, uid, accounts);
  }
}

function distrusted(plugin: PluginConfig, owners: ReadonlySet<number>): Distrust | undefined {
  switch (plugin.kind) {
    case 'module':
      return distrust(plugin.module, owners);
    case 'socket':
      return distrust(dirname(plugin.socket), owners, 'folder');
    case 'command': {
      const [program = '', ...args] = plugin.command;
      const scripts = args.filter((arg) => arg.startsWith('/')).map((arg) => distrust(arg, owners));
      // A path that is not there, or is a folder, is an argument and no script.
      const script = scripts.find((found) => found !== undefined && /change it|can write it/.test(found.reason));
      return distrust(program, owners) ?? script;
    }
  }
}

async function checkUser(
  reader: SettingsReader,
  { name, uid, gid }: PluginConfig & { readonly kind: 'command' },
  ownUid: number,
  accounts: Accounts,
): Promise<void> {
  if (uid === undefined || uid === ownUid) return;
  const label = labelOf(reader, `attestors.${name}.uid`);
  if (ownUid !== 0) {
    reader.refuse(label, uid, 'is another uid, and only root may start a program as another', 'run the daemon as root');
  } else if (gid === undefined && (await accounts.user(uid)) === undefined) {
    reader.refuse(label, uid, 'has no account here, so its group is not known', 'give gid, too');
  }
}

function labelOf(reader: SettingsReader, key: string): string {
  return reader.placeOf(key, reader.tree(key)?.line);
}

/** Where relative paths of a file start. */
export function folderOf(file: string | undefined): string {
  return file === undefined ? '/' : dirname(resolve(file));
}
