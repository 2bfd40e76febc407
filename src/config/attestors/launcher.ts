// SPDX-License-Identifier: Apache-2.0
/** `attestors.launcher`: off unless the file names it. */
import type { SettingsReader } from '../reader.ts';
import { duration } from '../settings.ts';

export interface LauncherAttestorConfig {
  /** From the answer to the launcher until its program runs and was looked at. */
  readonly execWithinMs: number;
}

const SECOND = 1_000;

export function readLauncher(reader: SettingsReader): LauncherAttestorConfig | undefined {
  const named = reader.tree('attestors.launcher') !== undefined;
  const bounds = { min: SECOND, max: 60 * SECOND };
  const execWithinMs = reader.read('attestors.launcher.exec_within', duration(10 * SECOND, bounds));
  return named ? { execWithinMs } : undefined;
}
