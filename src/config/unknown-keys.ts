// SPDX-License-Identifier: Apache-2.0
/** Refuses what no setting answers to: keys of the file, with their line and the nearest known key, and ASSAY_* variables. */
import { nearest } from './nearest.ts';
import { envNameOf, type SettingsReader } from './reader.ts';
import { reservedFor, reservedForEnv } from './reserved.ts';
import type { MapTree } from './yaml-tree.ts';

/** Attestors that come with the daemon. */
const OWN = ['unix', 'docker', 'k8s', 'launcher', 'script', 'systemd'];

/** Variables with a meaning outside the file's keys. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['ASSAY_CONFIG']);

export function refuseUnknownKeys(reader: SettingsReader, tree: MapTree | undefined): void {
  if (tree !== undefined) walk(reader, tree, '');
}

function walk(reader: SettingsReader, section: MapTree, prefix: string): void {
  for (const [name, node] of section.members) {
    const path = `${prefix}${name}`;
    // A dot within a key would spell another key's path.
    const known = !name.includes('.') && reader.keys.has(path);
    if (known) {
      const hasMembers = [...reader.keys].some((key) => key.startsWith(`${path}.`));
      if (node.kind === 'map' && hasMembers) walk(reader, node, `${path}.`);
      else if (node.kind !== 'map' && hasMembers && !reader.scalars.has(path) && !isEmpty(node)) {
        reader.refuse(reader.placeOf(path, node.line), undefined, 'is a section', `write its keys below it, indented`);
      }
      continue;
    }
    refuse(reader, path, name, prefix, node.line);
  }
}

function isEmpty(node: { kind: string; value?: unknown }): boolean {
  return node.kind === 'scalar' && node.value === undefined;
}

function refuse(reader: SettingsReader, path: string, name: string, prefix: string, line: number): void {
  const field = reader.placeOf(path, line);
  const reserved = name.includes('.') ? undefined : reservedFor(path);
  if (reserved !== undefined) {
    reader.refuse(field, undefined, `is reserved for ${reserved}, which this version does not have`, 'remove the key');
    return;
  }
  if (prefix === 'attestors.') {
    const near = nearest(name, OWN);
    const others = `attestors here: ${OWN.join(', ')}; a plugin has module, command or socket`;
    const hint = near === undefined ? others : `did you mean ${near}?`;
    reader.refuse(field, undefined, 'is no attestor of this version', hint);
    return;
  }
  const siblings = [...reader.keys]
    .filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('.'))
    .map((key) => key.slice(prefix.length));
  const near = nearest(name, siblings);
  // The right word in the wrong place says more than a word that looks like it.
  const elsewhere = [...reader.keys].find((key) => key === name || key.endsWith(`.${name}`));
  const meant = elsewhere ?? (near === undefined ? undefined : `${prefix}${near}`);
  const hint = meant === undefined ? `keys here: ${siblings.sort().join(', ')}` : `did you mean ${meant}?`;
  reader.refuse(field, undefined, 'is no key of this configuration', hint);
}

export function refuseUnknownVariables(reader: SettingsReader, env: ReadonlyMap<string, string>): void {
  const known = new Set([...OTHER_VARIABLES, ...[...reader.scalars].map(envNameOf)]);
  for (const [name, value] of env) {
    if (!name.startsWith('ASSAY_') || value === '' || known.has(name)) continue;
    const reserved = reservedForEnv(name, envNameOf);
    // guard: A13 test/config/env.test.ts — no variable names a module, a socket to ask, or anything else it was not meant to
    if (reserved !== undefined) {
      reader.refuse(name, undefined, `is reserved for ${reserved}, which this version does not have`, `unset ${name}`);
      continue;
    }
    if (name.startsWith('ASSAY_ATTESTORS_')) {
      reader.refuse(
        name,
        undefined,
        'no variable may name an attestor or a module',
        `unset ${name}; set it in the file`,
      );
      continue;
    }
    const near = nearest(name, known);
    reader.refuse(
      name,
      undefined,
      'is no setting that the environment may give',
      near === undefined ? `unset ${name}, or set the key in the file` : `did you mean ${near}?`,
    );
  }
}
