// SPDX-License-Identifier: Apache-2.0
/** What FetchWITSVID states are made of: tokens, each with the key that its holder has to prove. */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { newHolderKey } from '../jwt/wit-key.ts';
import type { Craft, Made } from './craft.ts';
import { notGranted } from './refusal.ts';
import type { Rooms, WitRoom } from './rooms.ts';
import type { WitState, WitSvidState } from './workload-identities.ts';

/** `spiffeId`: of one identity alone. */
export function witCraft(
  { settings }: Pick<Rooms, 'settings'>,
  { authority, pss }: WitRoom,
  spiffeId: string | undefined,
): Craft<WitSvidState, WitState> {
  return {
    kind: 'wit',
    asked({ grants }) {
      if (spiffeId === undefined) return grants;
      const found = grants.filter(({ subject }) => subject === spiffeId);
      // guard: WAPI-23 test/issuance/wit-errand.test.ts
      if (found.length === 0) throw notGranted(spiffeId);
      return found;
    },
    needed: (asked) => asked.slice(0, 1),
    shape: () => [],
    signer: () => authority.active().authorityId,
    distrustedSince: (authorityId) => authority.distrustedSince(authorityId),
    async mint({ subject, endsAt, hint }, ttlMs): Promise<Made<WitSvidState>> {
      const { publicJwk, privateJwk } = await newHolderKey(settings.keyType, pss);
      const issued = await authority.mintToken({
        spiffeId: SpiffeId.parseWorkload(subject),
        confirms: publicJwk,
        ttlMs,
        caps: [endsAt],
        jti: true,
      });
      return { ...issued, svid: { spiffeId: subject, token: issued.token, privateKey: privateJwk, hint } };
    },
    assemble: (svids) => ({ svids }),
    sameRest: () => true,
  };
}
