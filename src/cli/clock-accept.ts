// SPDX-License-Identifier: Apache-2.0
/** `assay clock accept` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, instant, printJson } from './print.ts';

export async function clockAccept(io: Io, options: AdminOptions & { readonly output: Format }): Promise<number> {
  const { was, now } = await withAdmin(io, options, (admin) => admin.call('AcceptClock', {}));
  const [before, after] = [instant(Number(was)), instant(Number(now))];
  if (options.output === 'json') printJson(io, { was: before, now: after });
  else if (Number(was) > Number(now))
    io.out(`the daemon goes by ${after} from here; the latest time it had seen was ${before}\n`);
  else io.out(`the clock was not behind: the daemon goes by ${after}\n`);
  return 0;
}
