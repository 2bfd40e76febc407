// SPDX-License-Identifier: Apache-2.0
/** `assay audit tail` */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import { type AdminClient, type AdminOptions, withAdmin } from './admin-client.ts';
import type { Io } from './io.ts';
import { type Format, plain } from './print.ts';
import { eventCells, eventJson } from './show-event.ts';
import { count } from './values.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly lines?: string;
  readonly follow?: boolean;
}

const LINES = 10;
const PAGE = 500;
/** Between two looks of a follower. */
const LOOK_MS = 500;

export async function auditTail(io: Io, options: Options): Promise<number> {
  const lines = options.lines === undefined ? LINES : count(options.lines, '--lines', PAGE);
  const stop = options.follow ? io.interrupted() : AbortSignal.abort();
  await withAdmin(io, options, async (admin) => {
    const { events, size } = await admin.call('ListEvents', { newest_first: true, page_size: lines });
    for (const event of events.toReversed()) print(io, options.output, event);
    let next = Number(size);
    while (!stop.aborted) {
      await pause(LOOK_MS, stop);
      next = await printFrom(io, options.output, admin, next);
    }
  });
  return 0;
}

/** Answers where it goes on. */
async function printFrom(io: Io, output: Format, admin: AdminClient, from: number): Promise<number> {
  const { events } = await admin.call('ListEvents', { from_seq: from, page_size: PAGE });
  for (const event of events) print(io, output, event);
  const last = events.at(-1);
  return last === undefined ? from : Number(last.seq) + 1;
}

/** One a line, in either format: whoever follows reads line by line. */
function print(io: Io, output: Format, event: WireEvent): void {
  if (output === 'json') io.out(`${JSON.stringify(eventJson(event))}\n`);
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
