// SPDX-License-Identifier: Apache-2.0
/** `attestors.script`: off unless the file names it. */
import type { SettingsReader } from '../reader.ts';
import { flag } from '../settings.ts';

export interface ScriptAttestorConfig {
  readonly path: boolean;
  readonly sha256: boolean;
}

export function readScript(reader: SettingsReader): ScriptAttestorConfig | undefined {
  const named = reader.tree('attestors.script') !== undefined;
  const path = reader.read('attestors.script.path', flag(true));
  const sha256 = reader.read('attestors.script.sha256', flag(true));
  return named ? { path, sha256 } : undefined;
}
