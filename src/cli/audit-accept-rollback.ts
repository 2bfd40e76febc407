// SPDX-License-Identifier: Apache-2.0
/** `assay audit accept-rollback`: looks and says what it would do; does it with --yes. */
import { randomBytes } from 'node:crypto';
import type { Rollback } from '../daemon/catalog.ts';
import { anchoredNotes, type DataOptions, dataPlace } from './data-place.ts';
import type { Io } from './io.ts';
import { type Format, printFields, printJson } from './print.ts';
import { saysAccepted } from './show-accepted.ts';

interface Options extends DataOptions {
  readonly output: Format;
  readonly keepAuthorities?: boolean;
  readonly yes?: boolean;
}

export async function auditAcceptRollback(io: Io, options: Options): Promise<number> {
  const { dataDir, checkpointFile } = await dataPlace(io, options);
  const { dataFolderTools } = await import('../daemon/catalog.ts');
  const tools = await dataFolderTools();
  const place = { dataDir, uid: io.uid, anchors: await anchoredNotes(dataDir, checkpointFile) };
  if (options.yes !== true) return look(io, options.output, tools.inspectRollback(place, io.now()), dataDir);
  const accepted = tools.acceptRollback(place, {
    cause: 'rollback',
    keepAuthorities: options.keepAuthorities ?? false,
    by: `uid:${io.uid}`,
    now: io.now(),
    random: randomBytes,
  });
  saysAccepted(io, options.output, accepted);
  return 0;
}

function look(io: Io, output: Format, { found, reached, anchored, refusal }: Rollback, dataDir: string): number {
  if (output === 'json') {
    printJson(io, { found, reached: reached ?? null, anchored, refusal: refusal ?? null });
    return refusal === undefined ? 0 : 1;
  }
  const shown = (side: Rollback['found'] | undefined): string =>
    side === undefined
      ? 'not known: there is no mark that can be read'
      : `change ${side.change}, bundle ${side.bundle}, issuance ${side.issuance}, events ${side.events}`;
  printFields(io, [
    ['data folder', dataDir],
    ['found', shown(found)],
    ['reached', shown(reached)],
    ...anchored.map(({ path, events }): [string, string] => ['checkpoint', `${path}: events ${events}`]),
    ['refused', refusal ?? 'it would be served as it is'],
  ]);
  if (refusal === undefined) return 0;
  io.talk(
    'what was issued, changed or taken back in between is not known any more. Is there a better copy? Then restore it.\n',
  );
  io.talk(
    '  next: assay audit accept-rollback --yes; it removes the authorities, so that what they signed is trusted no longer\n',
  );
  return 1;
}
