// SPDX-License-Identifier: Apache-2.0
/** `assay audit checkpoint` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';

export async function auditCheckpoint(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly key?: boolean },
): Promise<number> {
  const { checkpoint, verifier_key } = await withAdmin(io, options, (admin) => admin.call('GetCheckpoint', {}));
  if (options.output === 'json') printJson(io, { checkpoint, verifier_key });
  // As it was signed, to the byte: it goes into a file.
  else io.out(options.key ? `${verifier_key}\n` : checkpoint);
  return 0;
}
