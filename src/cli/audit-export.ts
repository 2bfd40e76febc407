// SPDX-License-Identifier: Apache-2.0
/** `assay audit export`: events one a line, as they are or as CloudEvents 1.0 (cloudevents.io, JSON event format). */
import type { WireEvent } from '../api/admin/wire-audit.ts';
import { type AdminOptions, withAdmin } from './admin-client.ts';
import { eventsFrom } from './event-pages.ts';
import type { Io } from './io.ts';
import { jsonText } from './print.ts';
import { eventJson } from './show-event.ts';
import { usage } from './usage.ts';
import { sequence } from './values.ts';

interface Options extends AdminOptions {
  readonly format: 'ndjson' | 'cloudevents';
  readonly from?: string;
}

export async function auditExport(io: Io, options: Options): Promise<number> {
  await withAdmin(io, options, async (admin) => {
    const { trust_domain } = await admin.call('WhoAmI', {});
    const from = options.from === undefined ? 0 : sequence(options.from, '--from');
    const { size } = await admin.call('ListEvents', { from_seq: from, page_size: 1 });
    // What is appended meanwhile is for the next export.
    const end = Number(size);
    if (from > end) throw usage('--from', String(from), `is past the end: the log has ${end} events`);
    for await (const event of eventsFrom(admin, from, end))
      io.out(`${jsonText(shown(event, options.format, trust_domain))}\n`);
    io.talk(`go on with: assay audit export --from ${end}\n`);
  });
  return 0;
}

function shown(event: WireEvent, format: Options['format'], trustDomain: string): object {
  if (format === 'ndjson') return eventJson(event);
  return {
    specversion: '1.0',
    id: event.seq,
    source: `spiffe://${trustDomain}`,
    type: `assay.${event.kind}`,
    time: new Date(Number(event.at)).toISOString(),
    ...(event.identity === '' ? {} : { subject: event.identity }),
    datacontenttype: 'application/json',
    data: eventJson(event),
  };
}
