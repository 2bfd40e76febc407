// SPDX-License-Identifier: Apache-2.0
import type { SpiffeId } from '../identity/spiffe-id.ts';
import { Failure } from '../lib/failure.ts';
import type { Pick } from './settings.ts';

/** The identity that an output is about. Throws SVID_NOT_CHOSEN, naming what there is. */
export function pickSvid<Svid extends { readonly spiffeId: SpiffeId; readonly hint: string }>(
  svids: readonly Svid[],
  { spiffeId, hint }: Pick,
): Svid {
  const found = svids.find(
    (svid) => (spiffeId === undefined || svid.spiffeId.equals(spiffeId)) && (hint === undefined || svid.hint === hint),
  );
  if (found !== undefined) return found;
  const wanted = spiffeId === undefined ? `the hint ${hint}` : `the ID ${spiffeId}`;
  const held = svids.map((svid) => (svid.hint === '' ? `${svid.spiffeId}` : `${svid.spiffeId} (hint ${svid.hint})`));
  throw new Failure(
    'not-found',
    'SVID_NOT_CHOSEN',
    `no identity of this process has ${wanted}; it has ${held.join(', ')}`,
  );
}
