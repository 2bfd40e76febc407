// SPDX-License-Identifier: Apache-2.0
/** `assay audit tail` */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { eventsFrom } from './event-pages.ts';
import { followEvents, printEvent } from './follow-events.ts';
import type { Io } from './io.ts';
import { thatFits } from './pages.ts';
import type { Format } from './print.ts';
import { count } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly lines?: string;
  readonly follow?: boolean;
}

const LINES = 10;
const MOST_LINES = 500;

export async function auditTail(io: Io, options: Options): Promise<number> {
  const lines = options.lines === undefined ? LINES : count(options.lines, '--lines', MOST_LINES);
  const stop = options.follow ? io.interrupted() : AbortSignal.abort();
  await withAdmin(io, options, async (admin) => {
    const latest = (count: number) => admin.call('ListEvents', { newest_first: true, page_size: count });
    const { events } = await thatFits(lines, latest);
    for (const event of events.toReversed()) printEvent(io, options.output, event);
    // Not from the size that came along: it may count an event that was appended after these were read.
    const next = Number(events[0]?.seq ?? -1) + 1;
    await followEvents(
      (seq) => eventsFrom(admin, seq),
      next,
      stop,
      (event) => printEvent(io, options.output, event),
    );
  });
  return 0;
}
