// SPDX-License-Identifier: Apache-2.0
/** The helper's own configuration (docs/helper.md), out of its tree. */
import { isAbsolute, normalize } from 'node:path';
import type { AccountNames } from '../config/accounts.ts';
import type { MapTree } from '../config/yaml-tree.ts';
import { Problems, SectionReader } from './section-reader.ts';
import type { HealthSettings, HelperSettings, Output, Supervise } from './settings.ts';
import { signalName } from './values.ts';
import { readOutput } from './yaml-output.ts';

const STOP_TIMEOUT_MS = 30_000;
const PORT = 8081;

export async function readYamlSettings(tree: MapTree, file: string, accounts: AccountNames): Promise<HelperSettings> {
  const problems = new Problems(file);
  const reader = new SectionReader(tree, '', problems);
  const socket = reader.text('socket');
  const once = reader.flag('once', false);
  const outputs: Output[] = [];
  for (const section of reader.sections('outputs')) outputs.push(await readOutput(section, accounts));
  if (outputs.length === 0 && problems.all.length === 0)
    reader.refuse('outputs', 'is required', 'name at least one: outputs: [{ name: web, folder: ..., x509: ... }]');
  refuseSame(reader, outputs);
  const supervise = readSupervise(reader, outputs);
  const health = readHealth(reader);
  reader.finish();
  problems.throwIfAny();
  const [first, ...more] = outputs as [Output, ...Output[]];
  return { socket, once, outputs: [first, ...more], supervise, health, warnings: [] };
}

/** Two outputs that write one file would undo each other's work for ever. */
function refuseSame(reader: SectionReader, outputs: readonly Output[]): void {
  const seen = new Set<string>();
  const names = new Set<string>();
  for (const output of outputs) {
    if (names.has(output.name)) reader.refuse('outputs', `two outputs are called ${output.name}`);
    names.add(output.name);
    for (const name of namesOf(output)) {
      const path = `${output.folder}/${name}`;
      if (seen.has(path)) reader.refuse('outputs', `${path} is written twice`, 'give each file a name of its own');
      seen.add(path);
    }
  }
}

export function namesOf({ x509, tokens, jwtBundle, spiffeBundle }: Output): readonly string[] {
  const all = [
    ...Object.values(x509?.files ?? {}),
    ...tokens.map(({ file }) => file),
    jwtBundle?.file,
    spiffeBundle?.file,
  ];
  return all.filter((name) => name !== undefined);
}

function readSupervise(reader: SectionReader, outputs: readonly Output[]): Supervise | undefined {
  const section = reader.section('supervise');
  if (section === undefined) return undefined;
  const command = section.texts('command');
  const [program, ...args] = command;
  if (program === undefined) section.refuse('command', 'is required', 'write it as a list: [nginx, -g, daemon off;]');
  const supervise: Supervise = {
    command: [program ?? '', ...args],
    signal: signalName(section, 'signal'),
    restart: section.oneOf('restart', ['never', 'on-failure', 'always'], 'never'),
    stopTimeoutMs: section.duration('stop_timeout', STOP_TIMEOUT_MS),
    env: section.section('env')?.texted() ?? new Map(),
    outputs: new Set(outputs.map(({ name }) => name)),
  };
  section.finish();
  return supervise;
}

function readHealth(reader: SectionReader): HealthSettings | undefined {
  const section = reader.section('health');
  if (section === undefined) return undefined;
  const socket = section.text('socket');
  if (socket !== undefined && (!isAbsolute(socket) || socket !== normalize(socket)))
    section.refuse('socket', 'is no absolute path', 'give the whole path, from /');
  const port = section.number('port', 1, 65_535);
  const health: HealthSettings = {
    address: section.text('address') ?? '127.0.0.1',
    port: port ?? (socket === undefined ? PORT : undefined),
    socket,
    livePath: pathOf(section, 'live_path', '/live'),
    readyPath: pathOf(section, 'ready_path', '/ready'),
  };
  section.finish();
  return health;
}

export function pathOf(section: SectionReader, key: string, fallback: string): string {
  const path = section.text(key) ?? fallback;
  if (!/^\/[A-Za-z0-9._~/-]*$/.test(path)) section.refuse(key, 'is no path of a URL', `write ${fallback}`);
  return path;
}
