// SPDX-License-Identifier: Apache-2.0
/** `assay backup` */
import { resolve } from 'node:path';
import { type DataOptions, dataPlace } from './data-place.ts';
import type { Io } from './io.ts';
import { makeOwnFolder } from './own-folder.ts';
import { type Format, printFields, printJson } from './print.ts';
import { required } from './usage.ts';

interface Options extends DataOptions {
  readonly output: Format;
  readonly to?: string;
  /** False with --no-keys. */
  readonly keys: boolean;
}

export async function backup(io: Io, options: Options): Promise<number> {
  const to = resolve(required(options.to, '--to'));
  const { dataDir } = await dataPlace(io, options);
  const { dataFolderTools } = await import('../daemon/catalog.ts');
  const { backUp } = await dataFolderTools();
  makeOwnFolder(to, '--to', io.uid);
  const manifest = await backUp({ dataDir, to, withKeys: options.keys, uid: io.uid, now: io.now() });
  if (options.output === 'json') {
    printJson(io, { backup: to, manifest });
    return 0;
  }
  printFields(io, [
    ['backup', to],
    ['trust domain', manifest.trust_domain ?? undefined],
    ['events', String(manifest.events)],
    ['root', manifest.root],
    ['files', String(Object.keys(manifest.files).length)],
    ['keys', manifest.with_keys ? 'are in it: keep it as you would keep the data folder' : 'are not in it'],
  ]);
  return 0;
}
