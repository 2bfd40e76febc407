// SPDX-License-Identifier: Apache-2.0
/**
 * The one file that reaches beneath grpc-js's published options. grpc-js 1.14.7 passes few HTTP/2 bounds on; they are
 * set on the options object its server hands to node:http2 (`commonServerOptions`, `server.ts` of that version), and the
 * raw stream of a call is read from its base interceptor. A test fails if a newer version stops reading either.
 */
import { constants, type Http2Server, type ServerHttp2Stream, type ServerOptions } from 'node:http2';
import { type Server, status } from '@grpc/grpc-js';
import type { Clock } from '../lib/clock.ts';
import { type RequestBounds, RequestDecoder } from './request-decoder.ts';

/** Attack B4. Sizes in bytes unless the name says otherwise; numbers without a source are ours. */
export interface Http2Bounds {
  readonly streamsPerConnection: number;
  readonly headerBytes: number;
}

/** grpc clients send about a dozen header fields. */
const HEADER_PAIRS = 64;
/** What one session may hold buffered, in megabytes (node:http2 `maxSessionMemory`). */
const SESSION_MEMORY_MB = 8;
const OUTSTANDING_PINGS = 4;
const SETTINGS_PER_FRAME = 32;
const INVALID_FRAMES = 100;
const REJECTED_STREAMS = 100;
/** Rapid reset (CVE-2023-44487): a burst, then a rate a second. node:http2 wants both. */
const RESET_BURST = 300;
const RESETS_PER_SECOND = 100;

interface Internals {
  commonServerOptions: ServerOptions;
  handlers: Map<string, unknown>;
  http2Servers: Map<Http2Server, unknown>;
}

function internals(server: Server): Internals {
  const found = server as unknown as Internals;
  if (
    typeof found.commonServerOptions !== 'object' ||
    !(found.handlers instanceof Map) ||
    !(found.http2Servers instanceof Map)
  ) {
    throw new Error('this version of @grpc/grpc-js is not the one that Assay pins; its HTTP/2 bounds cannot be set');
  }
  return found;
}

/** Call before the injector is made. */
export function setHttp2Bounds(server: Server, bounds: Http2Bounds): void {
  // guard: B4 test/api/http2-bounds.test.ts
  Object.assign(internals(server).commonServerOptions, {
    maxSessionMemory: SESSION_MEMORY_MB,
    maxHeaderListPairs: HEADER_PAIRS,
    maxOutstandingPings: OUTSTANDING_PINGS,
    maxSettings: SETTINGS_PER_FRAME,
    maxSessionInvalidFrames: INVALID_FRAMES,
    maxSessionRejectedStreams: REJECTED_STREAMS,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
    settings: {
      enablePush: false,
      maxConcurrentStreams: bounds.streamsPerConnection,
      maxHeaderListSize: bounds.headerBytes,
    },
  });
}

/**
 * Gives every path a handler, so that the interceptors see calls to methods that do not exist: the order of checks is
 * header, then method (WEP-02, WEP-15), and grpc-js would answer UNIMPLEMENTED before any interceptor runs.
 */
export function handleUnknownMethods(server: Server, make: (path: string) => object): void {
  const own = internals(server);
  const known = own.handlers;
  own.handlers = new (class extends Map<string, unknown> {
    override get(path: string): unknown {
      return super.get(path) ?? make(path);
    }
  })(known);
}

/** The node:http2 servers behind the injectors made so far. */
export function http2ServersOf(server: Server): readonly Http2Server[] {
  return [...internals(server).http2Servers.keys()];
}

export interface StreamDoor {
  /** Undefined: the call may run at once. */
  admit(stream: ServerHttp2Stream): Promise<void> | undefined;
  failed(error: unknown): void;
}

/**
 * node:http2 announces a stream a tick late, when its caller may have reset it already; grpc-js then answers a wrong
 * content type all the same, which throws. What a call throws before it runs ends that call and not the daemon.
 */
export function shieldStreams(http2: Http2Server, door: StreamDoor): void {
  const [inner, ...others] = http2.listeners('stream') as ((...args: readonly unknown[]) => void)[];
  if (inner === undefined || others.length > 0)
    throw new Error('this version of @grpc/grpc-js does not take streams as Assay expects');
  http2.removeAllListeners('stream');
  http2.on('stream', (stream: ServerHttp2Stream, ...rest) => {
    // guard: B4 test/attacks/late-stream.test.ts — grpc-js listens once, and not before it has the stream
    stream.on('error', () => undefined);
    const run = (): void => {
      // guard: B4 test/attacks/late-stream.test.ts
      if (stream.destroyed) return;
      try {
        inner.call(http2, stream, ...rest);
      } catch (error) {
        stream.destroy();
        door.failed(error);
      }
    };
    const turn = door.admit(stream);
    if (turn === undefined) run();
    else void turn.then(run);
  });
}

interface BaseCall {
  readonly stream: ServerHttp2Stream;
  readonly readQueue: readonly unknown[];
  readonly receivedHalfClose: boolean;
  decoder: { write(data: Buffer): Buffer[] };
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

function baseOf(call: unknown): BaseCall {
  const base = call as Partial<BaseCall>;
  if (
    base.stream !== undefined &&
    Array.isArray(base.readQueue) &&
    typeof base.receivedHalfClose === 'boolean' &&
    typeof base.decoder?.write === 'function' &&
    typeof base.decompressMessage === 'function'
  )
    return base as BaseCall;
  throw new Error('this version of @grpc/grpc-js is not the one that Assay pins; its requests cannot be bounded');
}

/**
 * Before the first byte of a request is read. Compressed messages are refused: grpc-js makes a decompressor for each, of
 * 3,276 in a frame of 16 KiB. `withinMs`: for the whole request to be there; an answered call whose caller never ends its
 * side is reset then, too.
 */
export function boundRequest(call: unknown, bounds: RequestBounds & { withinMs?: number }, clock: Clock): void {
  const base = baseOf(call);
  base.decoder = new RequestDecoder(bounds, () => base.readQueue.length);
  // guard: B4 test/attacks/request-bounds.test.ts
  base.decompressMessage = identityOnly;
  const { stream } = base;
  if (bounds.withinMs === undefined) return;
  const timer = clock.after(bounds.withinMs, () => {
    // guard: I9 test/attacks/request-bounds.test.ts
    if (!base.receivedHalfClose) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
  stream.once('close', () => timer.cancel());
}

function identityOnly(message: Buffer, encoding: string): Buffer {
  if (encoding === 'identity') return message.subarray(5);
  const details = 'compressed requests are not taken: send the message as it is';
  throw Object.assign(new Error(details), { code: status.UNIMPLEMENTED, details });
}

/** Resets one stream whose reader takes nothing. ENHANCE_YOUR_CALM: clients retry it, unlike CANCEL (CLI-18). */
export function resetStream(call: unknown): void {
  let at = call as { call?: unknown; nextCall?: unknown; stream?: ServerHttp2Stream } | undefined;
  for (let depth = 0; at !== undefined && depth < 16; depth += 1) {
    if (at.stream !== undefined) {
      at.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    at = (at.call ?? at.nextCall) as typeof at;
  }
  throw new Error('no HTTP/2 stream beneath this call');
}
