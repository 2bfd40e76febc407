// SPDX-License-Identifier: Apache-2.0
/** The data folder that a command works on: the flag, then environment and configuration, then where a daemon has it. */
import { inspectConfig } from '../config/parse.ts';
import type { Io } from './io.ts';

export interface DataOptions {
  readonly dataDir?: string;
  readonly config?: string;
}

export interface DataPlace {
  readonly dataDir: string;
  /** `audit.checkpoint_file`, where the configuration names one. */
  readonly checkpointFile: string | undefined;
}

/** Only the keys that say where things lie count here; whatever else the file says is the daemon's business. */
export async function dataPlace(io: Io, options: DataOptions): Promise<DataPlace> {
  const flags = new Map<string, unknown>(options.dataDir === undefined ? [] : [['data_dir', options.dataDir]]);
  const file = options.config === undefined ? {} : { file: options.config };
  const { config, problems } = await inspectConfig({ ...file, flags, env: io.env, uid: io.uid });
  const problem = problems.find(({ field }) => field === '--data-dir' || /^(data_dir|audit\b)/.test(field ?? ''));
  if (problem !== undefined) throw problem;
  return { dataDir: config.dataDir, checkpointFile: config.audit.checkpointFile };
}

/** Checkpoints that lie outside the database, where there are some. */
export async function anchoredNotes(
  dataDir: string,
  checkpointFile: string | undefined,
): Promise<readonly { readonly path: string; readonly note: string }[]> {
  const { anchorsOf, readAnchor } = await import('../audit/anchors.ts');
  const notes: { readonly path: string; readonly note: string }[] = [];
  for (const anchor of anchorsOf(dataDir, checkpointFile)) {
    const note = await readAnchor(anchor);
    if (note !== undefined) notes.push({ path: anchor.path, note });
  }
  return notes;
}
