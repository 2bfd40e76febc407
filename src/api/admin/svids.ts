// SPDX-License-Identifier: Apache-2.0
/** What was issued: get by serial, list. */
import type { AdminDeps } from './deps.ts';
import type { Handlers } from './handler.ts';
import { given, missing, readPage } from './read-request.ts';
import { showSvid } from './to-wire.ts';

export function svidRpcs(deps: AdminDeps): Handlers<'GetSvid' | 'ListSvids'> {
  return {
    GetSvid({ serial }) {
      // openssl prints serials in capitals, some tools with colons.
      const row = deps.issuances.bySerial(serial.replaceAll(':', '').toLowerCase());
      if (row === undefined)
        throw missing('SVID_NOT_FOUND', 'SVID with the serial', serial, 'list them: assay svid list');
      return { svid: showSvid(row) };
    },
    ListSvids(request) {
      const spiffeId = given(request.spiffe_id);
      const entryId = given(request.entry_id);
      const { rows, next } = deps.issuances.list(
        {
          ...(request.active ? { activeAt: deps.now() } : {}),
          ...(spiffeId === undefined ? {} : { spiffeId }),
          ...(entryId === undefined ? {} : { entryId }),
        },
        readPage(request),
      );
      return { svids: rows.map(showSvid), next_page_token: next ?? '' };
    },
  };
}
