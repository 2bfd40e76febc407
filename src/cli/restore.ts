// SPDX-License-Identifier: Apache-2.0
/** `assay restore`: a backup in an empty data folder, and the acceptance that it is older than what was reached. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { anchoredNotes, type DataOptions, dataPlace } from './data-place.ts';
import type { Io } from './io.ts';
import { ownFolder } from './own-folder.ts';
import type { Format } from './print.ts';
import { saysAccepted } from './show-accepted.ts';
import { required } from './usage.ts';

interface Options extends DataOptions {
  readonly output: Format;
  readonly from?: string;
  readonly keepAuthorities?: boolean;
}

export async function restore(io: Io, options: Options): Promise<number> {
  const from = resolve(required(options.from, '--from'));
  const { dataDir, checkpointFile } = await dataPlace(io, options);
  const { dataFolderTools } = await import('../daemon/catalog.ts');
  const tools = await dataFolderTools();
  ownFolder(from, '--from', io.uid);
  const place = { dataDir, uid: io.uid, anchors: await anchoredNotes(dataDir, checkpointFile) };
  const acceptance = {
    keepAuthorities: options.keepAuthorities ?? false,
    by: `uid:${io.uid}`,
    now: io.now(),
    random: randomBytes,
  };
  const accepted = tools.restore({ from, place, acceptance });
  saysAccepted(io, options.output, accepted);
  return 0;
}
