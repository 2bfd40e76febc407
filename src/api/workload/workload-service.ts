// SPDX-License-Identifier: Apache-2.0
/**
 * The SPIFFE Workload API on a door whose interceptors have already checked header, method and ceilings.
 * Wire on one side, `WorkloadIdentities` on the other; no decision is taken here.
 */
import type { Server, ServerWritableStream } from '@grpc/grpc-js';
import type { Follower, Following, WitIdentities, WorkloadIdentities } from '../../issuance/workload-identities.ts';
import type { Clock } from '../../lib/clock.ts';
import { Failure } from '../../lib/failure.ts';
import type { Peer } from '../../peer/peer.ts';
import type { ProcessHandle } from '../../peer/process-handle.ts';
import type { Method } from '../proto.ts';
import { StreamFollower } from '../stream-follower.ts';
import { jwtMethods } from './jwt-service.ts';
import {
  toJwtBundlesResponse,
  toWitBundlesResponse,
  toWitSvidResponse,
  toX509BundlesResponse,
  toX509SvidResponse,
} from './messages.ts';

export interface WorkloadServiceOptions {
  readonly server: Server;
  /** `SpiffeWorkloadAPI` as loaded from proto/workload.proto. */
  readonly definition: Readonly<Record<string, Method>>;
  readonly identities: WorkloadIdentities;
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  readonly onConnectionClose: (call: { getPeer(): string }, closed: () => void) => void;
  /** The X.509 profile; the JWT and WIT profiles are there when `identities` has them. */
  readonly x509: boolean;
  readonly undrainedMs: number;
  readonly clock: Clock;
}

type AddStream = <State, Message>(
  method: string,
  toMessage: (state: State) => Message,
  follow: (process: ProcessHandle, follower: Follower<State>, request: never) => Following,
) => void;

type Call<Message> = ServerWritableStream<unknown, Message>;

/** Registers the methods that are live and returns a function that ends every open call with UNAVAILABLE (I7). */
export function addWorkloadService(options: WorkloadServiceOptions): {
  readonly served: ReadonlySet<string>;
  endAll: EndAll;
} {
  const { identities } = options;
  const open = new Set<Follower<never>>();
  const served = new Set<string>();

  const shapeOf = (method: string): Method => {
    const shape = options.definition[method];
    if (shape === undefined) throw new Error(`proto/workload.proto has no method ${method}`);
    served.add(shape.path);
    return shape;
  };
  const stream: AddStream = <State, Message>(
    method: string,
    toMessage: (state: State) => Message,
    follow: (process: ProcessHandle, follower: Follower<State>, request: never) => Following,
  ): void => {
    const shape = shapeOf(method);
    const handle = (call: Call<Message>): void => {
      const peer = options.peerOf(call);
      const follower = new StreamFollower<State, Message>({ ...options, call, toMessage });
      open.add(follower);
      const following = follow(peer.process, follower, call.request as never);
      call.once('close', () => {
        open.delete(follower);
        following.stop();
      });
      call.once('cancelled', () => following.stop());
    };
    options.server.register(
      shape.path,
      handle as never,
      shape.responseSerialize,
      shape.requestDeserialize,
      'serverStream',
    );
  };

  addX509(stream, options);

  const { jwt } = identities;
  if (jwt !== undefined) {
    stream('FetchJWTBundles', toJwtBundlesResponse, (process, follower) => jwt.followBundles(process, follower));
    for (const [method, handle] of Object.entries(jwtMethods({ ...options, jwt }))) {
      const { path, responseSerialize, requestDeserialize } = shapeOf(method);
      options.server.register(path, handle as never, responseSerialize, requestDeserialize, 'unary');
    }
  }

  if (identities.wit !== undefined) addWit(stream, identities.wit);

  return {
    served,
    endAll: (failure) => {
      for (const follower of open) follower.end(failure);
    },
  };
}

function addX509(stream: AddStream, { x509, identities }: Pick<WorkloadServiceOptions, 'x509' | 'identities'>): void {
  // guard: WAPI-01 test/conformance/jwt.test.ts
  if (!x509) return;
  stream('FetchX509SVID', toX509SvidResponse, (process, follower) => identities.followX509(process, follower));
  stream('FetchX509Bundles', toX509BundlesResponse, (process, follower) =>
    identities.followX509Bundles(process, follower),
  );
}

function addWit(stream: AddStream, wit: WitIdentities): void {
  stream('FetchWITSVID', toWitSvidResponse, (process, follower, { spiffe_id }: { readonly spiffe_id: string }) => {
    try {
      return wit.follow(process, spiffe_id, follower);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      follower.end(error);
      return { stop: () => undefined };
    }
  });
  stream('FetchWITBundles', toWitBundlesResponse, (process, follower) => wit.followBundles(process, follower));
}

export type EndAll = (failure: Failure) => void;
