// SPDX-License-Identifier: Apache-2.0
/** Prepares FetchWITSVID states: tokens, each with the key that its holder has to prove. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { newHolderKey } from '../jwt/wit-key.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import { notGranted } from './refusal.ts';
import type { Rooms, WitRoom } from './rooms.ts';
import { type Craft, type Made, SvidErrand } from './svid-errand.ts';
import type { WitState, WitSvidState } from './workload-identities.ts';

export class WitErrand extends SvidErrand<WitSvidState, WitState> {
  /** `spiffeId`: of one identity alone. */
  constructor(rooms: Rooms, wit: WitRoom, process: ProcessHandle, spiffeId: string | undefined) {
    super(rooms, process, witCraft(rooms, wit, spiffeId));
  }
}

function witCraft(
  { settings }: Pick<Rooms, 'settings'>,
  { authority, pss }: WitRoom,
  spiffeId: string | undefined,
): Craft<WitSvidState, WitState> {
  return {
    kind: 'wit',
    wanted({ grants }) {
      if (spiffeId === undefined) return grants;
      const found = grants.filter(({ entry }) => entry.spiffeId === spiffeId);
      // guard: WAPI-23 test/issuance/wit-errand.test.ts
      if (found.length === 0) throw notGranted(spiffeId);
      return found;
    },
    shape: () => [],
    signer: () => authority.active().authorityId,
    async mint({ entry, endsAt, hint }, ttlMs): Promise<Made<WitSvidState>> {
      const { publicJwk, privateJwk } = await newHolderKey(settings.keyType, pss);
      const issued = await authority.mintToken({
        spiffeId: SpiffeId.parseWorkload(entry.spiffeId),
        confirms: publicJwk,
        ttlMs,
        caps: [endsAt],
        jti: true,
      });
      return { ...issued, svid: { spiffeId: entry.spiffeId, token: issued.token, privateKey: privateJwk, hint } };
    },
    assemble: (svids) => ({ svids }),
    sameRest: () => true,
  };
}
