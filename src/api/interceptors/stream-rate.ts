// SPDX-License-Identifier: Apache-2.0
/** How often a caller may begin a stream that identities are issued on (I9); more often is UNAVAILABLE (WAPI-37). */
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Failure } from '../../lib/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import { refuseUnless } from './refuse.ts';

export interface StreamRates {
  take(peer: Peer): Failure | undefined;
}

export function streamRate(
  peerOf: (call: { getPeer(): string }) => Peer,
  rates: StreamRates,
  counts: (path: string) => boolean,
): ServerInterceptor {
  return refuseUnless((call) => {
    if (!counts(call.path)) return;
    const refusal = rates.take(peerOf(call));
    // guard: I9 test/attacks/churn.test.ts
    if (refusal !== undefined) throw refusal;
  });
}
