// SPDX-License-Identifier: Apache-2.0
/** A method this door does not serve is UNIMPLEMENTED (WEP-15), said after the header check and before any attestation. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { Failure, quote } from '../../lib/failure.ts';
import { refuseUnless } from './refuse.ts';

export function knownMethod(isServed: (path: string) => boolean): ServerInterceptor {
  return refuseUnless((call) => {
    if (isServed(call.path)) return;
    throw new Failure('unimplemented', 'METHOD_NOT_SERVED', `this daemon does not serve ${quote(call.path)}`);
  });
}
