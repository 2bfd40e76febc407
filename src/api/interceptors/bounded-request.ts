// SPDX-License-Identifier: Apache-2.0
/** The first of all interceptors, because it alone gets the call itself: bounds what its request may be (I9, attack B4). */
import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import type { Clock } from '../../lib/clock.ts';
import { boundRequest } from '../http2-bounds.ts';

/** Of a stream of requests, decoded and not yet answered. */
const WAITING = 64;
/** For a unary request to be there as a whole. Honest clients send it in one piece. */
const WITHIN_MS = 10_000;

/** Where requests of one method are of another size than those of all others. */
export interface OwnBounds {
  readonly messageBytes: number;
  readonly limit: string;
  readonly waiting: number;
}

export function boundedRequest(
  requestBytes: number,
  clock: Clock,
  own: (path: string) => OwnBounds | undefined = () => undefined,
): ServerInterceptor {
  return (method, call) => {
    const messages = method.requestStream ? Number.POSITIVE_INFINITY : 1;
    const bounds = { messageBytes: requestBytes, messages, waiting: WAITING, ...own(method.path) };
    boundRequest(call, method.requestStream ? bounds : { ...bounds, withinMs: WITHIN_MS }, clock);
    // Nothing is intercepted, and each layer costs a little for every call.
    return call as ServerInterceptingCall;
  };
}
