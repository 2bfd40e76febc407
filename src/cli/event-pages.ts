// SPDX-License-Identifier: Apache-2.0
/** Walks the log in its order, page by page. */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import type { AdminClient } from './admin-client.ts';
import { thatFits } from './pages.ts';

const PAGE = 500;

/** Events from number `from` on, up to and without `end`; without an end up to the last that there is when it comes there. */
export async function* eventsFrom(
  admin: Pick<AdminClient, 'call'>,
  from: number,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<WireEvent, void> {
  let size = PAGE;
  for (let next = from; next < end; ) {
    const wanted = Math.min(size, end - next);
    const page = (count: number) => admin.call('ListEvents', { from_seq: next, page_size: count });
    const { events, asked } = await thatFits(wanted, page);
    if (events.length === 0) return;
    yield* events;
    size = asked;
    next = Number(events.at(-1)?.seq) + 1;
  }
}
