// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a configuration of the helper, ours or spiffe-helper's. It says what is run and where keys go, so the file is read as
 * the daemon's own is: nobody but root and the helper may be able to write it (attack A13).
 */
import { basename } from 'node:path';
import { type AccountNames, machineNames } from '../config/accounts.ts';
import { readOwnedFile, readTrustedFile } from '../config/trusted-file.ts';
import { type MapTree, MOST_YAML_BYTES, parseYamlTree } from '../config/yaml-tree.ts';
import { parseHcl } from './hcl.ts';
import { readHclSettings } from './hcl-config.ts';
import type { HelperSettings } from './settings.ts';
import { readYamlSettings } from './yaml-config.ts';

export interface ConfigPlace {
  readonly file: string;
  readonly uid: number;
  readonly env: ReadonlyMap<string, string>;
  readonly workingFolder: string;
  readonly acceptShared: boolean;
  readonly names?: AccountNames;
}

export async function readHelperConfig(place: ConfigPlace): Promise<HelperSettings> {
  const readFile = place.acceptShared ? readOwnedFile : readTrustedFile;
  const text = await readFile(place.file, place.uid, '--config', MOST_YAML_BYTES);
  const file = basename(place.file);
  const { env, workingFolder } = place;
  if (!isYaml(file)) return readHclSettings(treeOf(text, file), { file, env, workingFolder });
  return readYamlSettings(parseYamlTree(text, file), file, place.names ?? machineNames);
}

/** By the name alone: guessing by the content could read one language as the other. */
const isYaml = (file: string): boolean => /\.ya?ml$/.test(file);

/** HCL has a form in JSON, which is told by its first character (hashicorp/hcl v1.0.0, lex.go). */
function treeOf(text: string, file: string): MapTree {
  return /^\s*\{/.test(text) ? parseYamlTree(text, file) : parseHcl(text, file);
}
