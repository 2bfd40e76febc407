// SPDX-License-Identifier: Apache-2.0
/** `assay audit query` */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import { parseDuration } from '../lib/duration.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { withFlagNames } from './flag-fields.ts';
import type { Io } from './io.ts';
import { printList } from './pages.ts';
import type { Format } from './print.ts';
import { EVENT_HEADING, eventCells, eventJson } from './show-event.ts';
import { whenFlag } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly limit?: string;
  readonly identity?: string;
  readonly kind?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly newestFirst?: boolean;
}

export async function auditQuery(io: Io, options: Options): Promise<number> {
  const { identity, kind, actor, newestFirst } = options;
  const since = pastFlag(options.since, '--since', io.now());
  const until = pastFlag(options.until, '--until', io.now());
  await withAdmin(io, options, (admin) =>
    printList<WireEvent>(io, {
      output: options.output,
      limit: options.limit,
      name: 'events',
      heading: EVENT_HEADING,
      cells: eventCells,
      json: eventJson,
      none: 'no events',
      page: async (size, token) => {
        const request = {
          identity,
          kind,
          actor,
          since,
          until,
          newest_first: newestFirst,
          page_size: size,
          page_token: token,
        };
        const call = admin.call('ListEvents', request);
        const { events, next_page_token } = await withFlagNames(['--kind', '--since', '--until'], call);
        return { rows: events, next: next_page_token };
      },
    }),
  );
  return 0;
}

/** A time, or a duration: so long ago. */
function pastFlag(text: string | undefined, flag: string, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  return ms === undefined ? whenFlag(text, flag, now) : Math.max(0, now - ms);
}
