// SPDX-License-Identifier: Apache-2.0
/** JWT-SVIDs as gRPC call credentials, and the interceptor that lets in calls which carry one for us. */
import {
  CallCredentials,
  status as grpcStatus,
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { Failure } from '../lib/failure.ts';
import { type JwtRules, judgeBearer, requireRules } from './bearer.ts';
import type { JwtSource, TokenWish } from './jwt-source.ts';
import type { JwtPeer } from './jwt-trust.ts';

const CODE = {
  unauthenticated: grpcStatus.UNAUTHENTICATED,
  forbidden: grpcStatus.PERMISSION_DENIED,
  unavailable: grpcStatus.UNAVAILABLE,
} as const;
const peers = new WeakMap<object, JwtPeer>();

/**
 * For `grpcCredentials(…).compose(jwtCallCredentials(…))`, or the options of one call. grpc-js sends them over secure channels
 * only (JWT-18).
 */
export function jwtCallCredentials(source: JwtSource, wish: TokenWish): CallCredentials {
  return CallCredentials.createFromMetadataGenerator((_, done) => {
    source.token(wish).then(
      (token) => {
        const metadata = new Metadata();
        metadata.set('authorization', `Bearer ${token}`);
        done(null, metadata);
      },
      (error: Error) => done(error),
    );
  });
}

/** `new Server({ interceptors: [jwtServerInterceptor({ source, audience, authorize })] })`. */
export function jwtServerInterceptor(options: JwtRules): ServerInterceptor {
  const rules = requireRules(options);
  return (_, call) => {
    const responder = new ResponderBuilder().withStart((next) => {
      const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, pass) => {
        const refused = admit(metadata, rules);
        if (refused === undefined) pass(metadata);
        else call.sendStatus(refused);
      });
      next(listener.build());
    });
    return new ServerInterceptingCall(call, responder.build());
  };
}

/** The status that ends the call, or nothing when it may go on. */
function admit(
  metadata: Metadata,
  rules: JwtRules,
): { readonly code: grpcStatus; readonly details: string } | undefined {
  try {
    const verdict = judgeBearer(metadata.get('authorization').map(String), rules);
    // guard: WAPI-28 test/client/grpc-jwt.test.ts
    if ('refused' in verdict) return { code: CODE[verdict.refused.kind], details: verdict.refused.message };
    peers.set(metadata, verdict.peer);
    return undefined;
  } catch (error) {
    // Thrown on, it would end the process: grpc-js runs interceptors in the handler of a socket's event.
    rules.log?.warn({ problem: String(error) }, 'authorize failed, so the call was refused');
    return { code: grpcStatus.INTERNAL, details: 'it could not be decided who may call' };
  }
}

/** Who makes this call, on a server with `jwtServerInterceptor`. */
export function jwtPeerOfCall(call: { readonly metadata: Metadata }): JwtPeer {
  const peer = peers.get(call.metadata);
  if (peer !== undefined) return peer;
  throw new Failure('failed-precondition', 'PEER_UNKNOWN', 'no token of this call was verified', {
    hint: 'give the server the interceptor jwtServerInterceptor(...)',
  });
}
