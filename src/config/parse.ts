// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration: file, environment and flags to one typed value, in three steps: read the names, build and bound each
 * value, check them against each other. A mistake is a Failure that names the key, its line, the value, the reason and the
 * next step. `inspectConfig` hands back all mistakes and where each value came from; `loadConfig` throws the first.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../lib/failure.ts';
import { type Accounts, machineAccounts } from './accounts.ts';
import { checkPlugins, folderOf } from './attestors/plugins.ts';
import { buildConfig } from './build.ts';
import type { Config } from './config.ts';
import { checkFolders, checkLifetimes, checkRest, checkRoles } from './cross-checks.ts';
import { type Explained, SettingsReader } from './reader.ts';
import { readTrustedFile } from './trusted-file.ts';
import { refuseUnknownKeys, refuseUnknownVariables } from './unknown-keys.ts';
import type { MapTree } from './yaml-tree.ts';

export interface ConfigSource {
  readonly file?: string;
  /** Key path to value, both as the file has them: `sockets.workload`. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly env: ReadonlyMap<string, string>;
  /** The uid the daemon runs as. */
  readonly uid: number;
  readonly gid?: number;
  readonly accounts?: Accounts;
}

export interface InspectedConfig {
  /** Complete and safe to use only when `problems` is empty. */
  readonly config: Config;
  readonly problems: readonly Failure[];
  readonly warnings: readonly string[];
  /** Every setting: its value and where that came from. */
  readonly explained: readonly Explained[];
}

export async function loadConfig(source: ConfigSource): Promise<Config> {
  return validConfig(await inspectConfig(source), source);
}

/** The configuration, or a Failure with its first mistake. */
export function validConfig({ config, problems }: InspectedConfig, source: ConfigSource): Config {
  const [first, ...more] = problems;
  if (first === undefined) return config;
  if (more.length === 0) throw first;
  const rest = more.length === 1 ? 'one more mistake' : `${more.length} more mistakes`;
  const check = `assay config check${source.file === undefined ? '' : ` --config ${source.file}`}`;
  throw new Failure(first.kind, first.reason, `${first.message} (and ${rest})`, {
    ...(first.field === undefined ? {} : { field: first.field }),
    ...(first.value === undefined ? {} : { value: first.value }),
    hint: `${first.hint === undefined ? '' : `${first.hint}; `}to see all: ${check}`,
  });
}

/** Throws only when the file cannot be read at all: missing, unsafe, or no YAML. */
export async function inspectConfig(source: ConfigSource): Promise<InspectedConfig> {
  const file = source.file ?? (source.env.get('ASSAY_CONFIG') || undefined);
  const tree = file === undefined ? undefined : await readTree(file, source);
  const reader = new SettingsReader({
    tree,
    file: file === undefined ? undefined : basename(file),
    flags: source.flags,
    env: source.env,
  });
  const config = buildConfig(reader, source.uid, source.env, folderOf(file));
  refuseUnknownKeys(reader, tree);
  refuseUnknownVariables(reader, source.env);
  const warnings: string[] = [];
  // Values that were refused one by one were replaced by defaults; what they say about each other would mislead.
  if (reader.problems.length === 0) {
    checkLifetimes(reader, config);
    checkRest(reader, config);
    await checkFolders(reader, config, realFolder);
    const gid = source.gid ?? process.getgid!();
    const accounts = source.accounts ?? machineAccounts;
    await checkPlugins(reader, config.attestors.plugins, source.uid, accounts);
    await checkRoles(reader, config, source.uid, gid, accounts, (text) => warnings.push(text));
  }
  return { config, problems: reader.problems, warnings, explained: reader.explained };
}

async function readTree(file: string, source: ConfigSource): Promise<MapTree> {
  const { MOST_YAML_BYTES, parseYamlTree } = await import('./yaml-tree.ts');
  const field = source.file === undefined ? 'ASSAY_CONFIG' : '--config';
  return parseYamlTree(await readTrustedFile(file, source.uid, field, MOST_YAML_BYTES), basename(file));
}

/** Links resolved in the part of the path that exists; the rest as written. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path === '/' ? path : join(await realFolder(dirname(path)), basename(path));
  }
}
