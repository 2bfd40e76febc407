// SPDX-License-Identifier: Apache-2.0
/**
 * A gRPC server whose connections come from `peer/`: the socket is injected with its caller already known, and a call
 * finds that caller by a name that this file gave the socket, never by anything the request says (attack A3).
 */
import type { Http2Session, Http2Stream, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import { Admission } from '../lib/admission.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { tenantOf } from '../peer/ceilings.ts';
import type { AcceptPeer, Peer } from '../peer/peer.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PacedWarnings } from '../telemetry/paced.ts';
import { handleUnknownMethods, http2ServersOf, setHttp2Bounds, shieldStreams } from './http2-bounds.ts';
import { boundedRequest, type OwnBounds } from './interceptors/bounded-request.ts';
import { Strikes } from './strikes.ts';

export interface DoorOptions {
  readonly name: 'workload' | 'admin' | 'task';
  readonly streamsPerConnection: number;
  readonly headerBytes: number;
  readonly requestBytes: number;
  /** By path, where a method's requests have bounds of their own. */
  readonly ownBounds?: (path: string) => OwnBounds | undefined;
  /** In the order they see a call; `chain.ts` lists them. */
  readonly interceptors: readonly ServerInterceptor[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Anything of grpc-js that names its connection. */
export interface Named {
  getPeer(): string;
}

/** A call that is refused costs some 150 µs. */
const CALLS_PER_TURN = 32;

export class GrpcDoor {
  readonly server: Server;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #callers = new Map<string, { readonly peer: Peer; readonly socket: Socket }>();
  readonly #injector: { injectConnection(socket: Socket): void };
  readonly #strikes = new Strikes();
  readonly #admission = new Admission(CALLS_PER_TURN);
  readonly #warnings: PacedWarnings;
  readonly #calls = new Set<Http2Stream>();
  #malformed = 0;
  #barred = 0;

  constructor(options: DoorOptions) {
    this.#log = options.log.child({ door: options.name });
    this.#clock = options.clock;
    this.#warnings = new PacedWarnings(this.#log, options.clock);
    this.server = new Server({
      'grpc.enable_channelz': 0,
      'grpc.max_concurrent_streams': options.streamsPerConnection,
      'grpc.max_receive_message_length': options.requestBytes,
      interceptors: [boundedRequest(options.requestBytes, options.clock, options.ownBounds), ...options.interceptors],
    });
    setHttp2Bounds(this.server, options);
    handleUnknownMethods(this.server, unknownMethod);
    this.#injector = this.server.createConnectionInjector(ServerCredentials.createInsecure());
    for (const http2 of http2ServersOf(this.server)) {
      http2.on('session', (session) => this.#watch(session));
      shieldStreams(http2, {
        admit: (stream) => this.#admission.enter(this.#tenantOf(stream)),
        failed: (err) => this.#log.error({ err }, 'a call failed before it ran'),
      });
    }
  }

  /** Connections ended because of frames that break HTTP/2. */
  get malformed(): number {
    return this.#malformed;
  }

  get connections(): number {
    return this.#callers.size;
  }

  /** Connections turned away because their uid keeps breaking HTTP/2. */
  get barred(): number {
    return this.#barred;
  }

  readonly accept: AcceptPeer = (socket, peer) => {
    // guard: B4 test/api/grpc-door.test.ts
    if (this.#strikes.barred(tenantOf(peer.process), this.#clock.monotonic())) {
      this.#barred += 1;
      socket.destroy();
      return;
    }
    const name = `connection-${peer.connection}`;
    // grpc-js reports a call's connection by the socket's remote address, which a unix socket does not have.
    Object.defineProperty(socket, 'remoteAddress', { value: name });
    this.#callers.set(name, { peer, socket });
    socket.once('close', () => this.#callers.delete(name));
    this.#injector.injectConnection(socket);
  };

  /** The caller behind a call. A call whose connection is not known here is refused, never guessed. */
  peerOf(call: Named): Peer {
    const known = this.#callers.get(call.getPeer());
    // guard: A3 test/api/grpc-door.test.ts
    if (known === undefined) {
      throw new Failure('unavailable', 'CALLER_UNKNOWN', 'the connection of this call has closed', {
        hint: 'open a new connection',
      });
    }
    return known.peer;
  }

  /** Calls once when the connection of this call has closed; at once when it has already. */
  onConnectionClose(call: Named, closed: () => void): void {
    const socket = this.#callers.get(call.getPeer())?.socket;
    if (socket === undefined || socket.destroyed) closed();
    else socket.once('close', closed);
  }

  /**
   * Ends what is open: calls are first ended by their owners with a status (CLI-18: a bare reset would stop clients for
   * good), then sessions may finish, then sockets are destroyed. Idempotent.
   */
  async close(graceMs: number): Promise<void> {
    // grpc-js does not wait for the calls of connections that it was handed: their last words would be cut off.
    const spoken = Promise.all([...this.#calls].map((call) => new Promise((done) => call.once('close', done))));
    const finished = spoken.then(() => new Promise<void>((resolve) => this.server.tryShutdown(() => resolve())));
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([finished, waited]);
    clearTimeout(timer);
    this.server.forceShutdown();
    for (const { socket } of this.#callers.values()) socket.destroy();
  }

  #tenantOf(stream: ServerHttp2Stream): string {
    const known = this.#callers.get(nameOf(stream.session));
    return known === undefined ? '' : tenantOf(known.peer.process);
  }

  /** A malformed frame ends its own connection and nothing else; it is counted and logged with the peer. */
  #watch(session: Http2Session): void {
    const name = nameOf(session);
    // Looked up now: by the time of an error the socket may have closed and be forgotten.
    const known = this.#callers.get(name);
    session.on('stream', (stream: Http2Stream) => {
      this.#calls.add(stream);
      stream.once('close', () => this.#calls.delete(stream));
    });
    session.on('error', (error: Error & { code?: string }) => {
      known?.socket.destroy();
      // Who goes away with bytes unread (ECONNRESET) broke nothing: a killed process must not bar its uid.
      // guard: B4 test/attacks/killed-callers.test.ts
      if (!error.code?.startsWith('ERR_HTTP2_')) return;
      this.#malformed += 1;
      const { pid, uid } = known?.peer.process ?? {};
      if (known !== undefined) this.#strikes.note(tenantOf(known.peer.process), this.#clock.monotonic());
      const fields = { connection: name, pid, uid, code: error.code, err: error };
      this.#warnings.warn('malformed', fields, 'connection ended: not well-formed HTTP/2');
    });
  }
}

function nameOf(session: Http2Session | undefined): string {
  try {
    return session?.socket.remoteAddress ?? '';
  } catch {
    // A session that has been destroyed has no socket, and says so by throwing (node:http2).
    return '';
  }
}

/** Never reached: the interceptor for methods answers first. */
function unknownMethod(path: string): object {
  return {
    path,
    type: 'unary',
    serialize: (bytes: Buffer) => bytes,
    deserialize: (bytes: Buffer) => bytes,
    func: (_call: unknown, callback: (error: object) => void) =>
      callback({ code: 12, details: `unknown method ${path}` }),
  };
}
