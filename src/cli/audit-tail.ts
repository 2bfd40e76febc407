// SPDX-License-Identifier: Apache-2.0
/** `assay audit tail` */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { eventsFrom } from './event-pages.ts';
import type { Io } from './io.ts';
import { thatFits } from './pages.ts';
import { type Format, jsonText, plain } from './print.ts';
import { eventCells, eventJson } from './show-event.ts';
import { count } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly lines?: string;
  readonly follow?: boolean;
}

const LINES = 10;
const MOST_LINES = 500;
/** Between two looks of a follower. */
const LOOK_MS = 500;

export async function auditTail(io: Io, options: Options): Promise<number> {
  const lines = options.lines === undefined ? LINES : count(options.lines, '--lines', MOST_LINES);
  const stop = options.follow ? io.interrupted() : AbortSignal.abort();
  await withAdmin(io, options, async (admin) => {
    const latest = (count: number) => admin.call('ListEvents', { newest_first: true, page_size: count });
    const { events } = await thatFits(lines, latest);
    for (const event of events.toReversed()) print(io, options.output, event);
    // Not from the size that came along: it may count an event that was appended after these were read.
    let next = Number(events[0]?.seq ?? -1) + 1;
    while (!stop.aborted) {
      await pause(LOOK_MS, stop);
      for await (const event of eventsFrom(admin, next)) {
        print(io, options.output, event);
        next = Number(event.seq) + 1;
        if (stop.aborted) break;
      }
    }
  });
  return 0;
}

/** One a line, in either format: whoever follows reads line by line. */
function print(io: Io, output: Format, event: WireEvent): void {
  if (output === 'json') io.out(`${jsonText(eventJson(event))}\n`);
  else io.out(`${eventCells(event).map(plain).join('  ').trimEnd()}\n`);
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
  });
}
