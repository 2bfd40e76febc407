// SPDX-License-Identifier: Apache-2.0
/**
 * Reads a configuration of the helper, ours or spiffe-helper's. It says what is run and where keys go, so the file is read as
 * the daemon's own is: nobody but root and the helper may be able to write it (attack A13).
 */
import { basename } from 'node:path';
import { type AccountNames, machineNames } from '../config/accounts.ts';
import { readTrustedFile } from '../config/trusted-file.ts';
import { MOST_YAML_BYTES, parseYamlTree } from '../config/yaml-tree.ts';
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
  const text = await readTrustedFile(place.file, place.uid, '--config', MOST_YAML_BYTES);
  const file = basename(place.file);
  return readYamlSettings(parseYamlTree(text, file), file, place.names ?? machineNames);
}
