// SPDX-License-Identifier: Apache-2.0
/** Open calls count against their caller's ceilings (I9, attack B4); over them a call is UNAVAILABLE, which clients retry (WAPI-37). */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { Failure } from '../../lib/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import { refuseUnless } from './refuse.ts';

export interface StreamCeilings {
  acquire(peer: Peer): { release(): void } | Failure;
}

export function streamCeiling(
  peerOf: (call: { getPeer(): string }) => Peer,
  ceilings: StreamCeilings,
): ServerInterceptor {
  return refuseUnless((call) => {
    const place = ceilings.acquire(peerOf(call));
    // guard: I9 test/api/workload/ceilings.test.ts
    if (place instanceof Failure) throw retryable(place);
    call.onOver(() => place.release());
  });
}

/** UNAVAILABLE, which all clients retry; RESOURCE_EXHAUSTED ends some for good (WAPI-37). */
function retryable({ reason, message, value, hint }: Failure): Failure {
  return new Failure('unavailable', reason, message, {
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  });
}
