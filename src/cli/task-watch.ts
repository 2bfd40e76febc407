// SPDX-License-Identifier: Apache-2.0
/** `assay task watch`: what becomes of tasks, one line each, from now on until interrupted. */
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { eventsFrom } from './event-pages.ts';
import { followEvents, printEvent } from './follow-events.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';

interface Options extends AdminOptions {
  readonly output: Format;
  readonly identity?: string;
}

export async function taskWatch(io: Io, options: Options): Promise<number> {
  const stop = io.interrupted();
  await withAdmin(io, options, async (admin) => {
    const { events } = await admin.call('ListEvents', { newest_first: true, page_size: 1 });
    await followEvents(
      (from) => eventsFrom(admin, from),
      Number(events[0]?.seq ?? -1) + 1,
      stop,
      (event) => {
        const isMeant = options.identity === undefined || event.identity === options.identity;
        if (event.kind.startsWith('task.') && isMeant) printEvent(io, options.output, event);
      },
    );
  });
  return 0;
}
