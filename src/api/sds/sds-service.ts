// SPDX-License-Identifier: Apache-2.0
/**
 * Envoy's secret discovery service v3, a third door to the identities of the calling process, as SPIRE's agent has it
 * (pkg/agent/endpoints/sdsv3). Same socket, caller and ceilings as the Workload API, without its security header (SDS-17).
 */
import type { Server, ServerDuplexStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Follower, WorkloadIdentities } from '../../issuance/workload-identities.ts';
import type { Clock } from '../../lib/clock.ts';
import { Failure, quote } from '../../lib/failure.ts';
import type { Random } from '../../lib/random.ts';
import type { Peer } from '../../peer/peer.ts';
import type { ProcessHandle } from '../../peer/process-handle.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { PacedWarnings } from '../../telemetry/paced.ts';
import type { OwnBounds } from '../interceptors/bounded-request.ts';
import { servedMethod } from '../proto.ts';
import { toStatus } from '../status.ts';
import { StreamFollower } from '../stream-follower.ts';
import { type DiscoveryRequest, type DiscoveryResponse, type SdsRules, SecretStream } from './secret-stream.ts';

export const SDS_PROTO = 'envoy/service/secret/v3/sds.proto';
export const SDS_SERVICE = 'envoy.service.secret.v3.SecretDiscoveryService';

export interface SdsServiceOptions {
  readonly server: Server;
  readonly rules: SdsRules;
  readonly identities: WorkloadIdentities;
  readonly peerOf: (call: { getPeer(): string }) => Peer;
  /** One more set of names on an open stream; a Failure when there were too many. */
  readonly takeRate: (peer: Peer) => Failure | undefined;
  readonly undrainedMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Requests as they came: decoded, one takes many times its bytes, so that is done when its turn has come. */
type Stream = ServerDuplexStream<Buffer, DiscoveryResponse>;
type Unary = ServerUnaryCall<Buffer, DiscoveryResponse>;

/** An Envoy asks again when it was answered, or when its names change (xDS protocol, "How the client and server interact"). */
const WAITING = 4;

export function sdsBounds(messageBytes: number): (path: string) => OwnBounds | undefined {
  const bounds = { messageBytes, limit: 'limits.sds_request_bytes', waiting: WAITING };
  // guard: B4 test/api/sds/requests.test.ts
  return (path) => (path.startsWith(`/${SDS_SERVICE}/`) ? bounds : undefined);
}

/** Registers the methods, and returns a function that ends every open stream with a status (I7). */
export function addSdsService(options: SdsServiceOptions): {
  readonly served: ReadonlySet<string>;
  endAll(failure: Failure): void;
} {
  const open = new Set<SecretStream>();
  const served = new Set<string>();
  const warnings = new PacedWarnings(options.log, options.clock);
  const serve = (name: string, type: 'unary' | 'bidi', handle: unknown): void => {
    const { path, responseSerialize } = servedMethod(SDS_PROTO, SDS_SERVICE, name);
    options.server.register(path, handle as never, responseSerialize, (bytes) => bytes, type);
    served.add(path);
  };

  const newStream = (call: Stream | Unary, out: Follower<DiscoveryResponse>): SecretStream => {
    const peer = options.peerOf(call);
    const again = (): Failure | undefined => options.takeRate(peer);
    const rejected = rejectionLog(warnings, peer.process);
    const stream = new SecretStream({ ...options, process: peer.process, out, again, rejected });
    open.add(stream);
    call.once('close', () => {
      open.delete(stream);
      stream.stop();
    });
    call.once('cancelled', () => stream.stop());
    return stream;
  };

  serve('StreamSecrets', 'bidi', (call: Stream) => {
    const out = new StreamFollower<DiscoveryResponse, DiscoveryResponse>({
      ...options,
      call: call as never,
      toMessage: (response) => response,
    });
    const stream = newStream(call, out);
    converse(call, stream).catch((error: unknown) => stream.end(toFailure(error)));
  });
  serve('FetchSecrets', 'unary', (call: Unary, callback: sendUnaryData<DiscoveryResponse>) => {
    const done = (): void => {
      open.delete(stream);
      stream.stop();
    };
    const stream = newStream(call, answerOnce(callback, done));
    call.once('cancelled', done);
    try {
      stream.ask({ ...requestIn(call.request), response_nonce: '' });
    } catch (error) {
      stream.end(toFailure(error));
    }
  });

  return {
    served,
    endAll: (failure) => {
      for (const stream of open) stream.end(failure);
    },
  };
}

/** An asker that says no more is still told of changes. */
async function converse(call: Stream, stream: SecretStream): Promise<void> {
  // Left early, the call is still to carry its status.
  for await (const request of call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    stream.ask(requestIn(request));
  }
}

const { requestDeserialize } = servedMethod(SDS_PROTO, SDS_SERVICE, 'StreamSecrets');

function requestIn(bytes: Buffer): DiscoveryRequest {
  try {
    return requestDeserialize(bytes) as DiscoveryRequest;
  } catch (cause) {
    throw new Failure('invalid-argument', 'REQUEST_INVALID', 'the request is no DiscoveryRequest', { cause });
  }
}

/** SDS-09: version and nonce are of streams. */
function answerOnce(callback: sendUnaryData<DiscoveryResponse>, done: () => void): Follower<DiscoveryResponse> {
  return {
    send: async (response) => {
      callback(null, { ...response, version_info: '', nonce: '' });
      // Not in the same breath: what was handed over counts as sent first (`Standing`), and its row must say so.
      // guard: I3 test/conformance/sds.test.ts
      await Promise.resolve();
      done();
    },
    end: (failure) => {
      callback({ name: 'Error', message: '', ...toStatus(failure) });
      done();
    },
  };
}

/** SDS-12. What the asker says is its own text, and it may say it as often as it likes. */
function rejectionLog(
  warnings: PacedWarnings,
  { pid, uid }: ProcessHandle,
): (why: { readonly code: number; readonly message: string } | null) => void {
  return (why) => {
    const said = why === null ? {} : { code: why.code, said: quote(why.message, 512) };
    warnings.warn('rejected', { pid, uid, ...said }, 'an Envoy did not take the secrets that it was sent');
  };
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure('internal', 'UNEXPECTED', 'the request could not be served', { cause: error });
}
