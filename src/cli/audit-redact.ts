// SPDX-License-Identifier: Apache-2.0
/** `assay audit redact` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { type Format, printJson } from './print.ts';
import { eventJson } from './show-event.ts';
import { required } from './usage.ts';
import { sequence } from './values.ts';

export async function auditRedact(
  io: Io,
  options: AdminOptions & { readonly output: Format; readonly reason?: string },
  [seq = '']: readonly string[],
): Promise<number> {
  const request = { seq: sequence(seq, '<seq>'), reason: required(options.reason, '--reason') };
  const call = withAdmin(io, options, (admin) => admin.call('RedactEvent', request));
  const { event } = await withFlagNames(['--reason'], call);
  if (options.output === 'json') printJson(io, { event: eventJson(event) });
  else io.out(`erased what event ${event.seq} says; the event and its proof stand\n`);
  return 0;
}
