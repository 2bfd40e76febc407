// SPDX-License-Identifier: Apache-2.0
/**
 * TLS and HTTPS servers that let nothing of a connection through before its peer was verified. Node hands a connection
 * to the application by one event, `secureConnection`, in the tick in which the handshake ends and before anything is
 * read from it. That event is held here until the check passed, so what a peer sent along with its last handshake
 * message is dropped with its socket. New connections present the newest SVID; open ones stay as they are.
 *
 * A connection that is refused shows as the event `tlsClientError` with a Failure, as Node's own refusals do.
 */
import type { RequestListener, ServerOptions } from 'node:http';
import { createServer as createNodeHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import {
  createServer as createNodeTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import { systemClock } from '../lib/clock.ts';
import { requireAuthorizer } from './authorize.ts';
import { HANDSHAKE_TIMEOUT_MS, type MtlsOptions } from './connect.ts';
import { verifyPeer } from './peer.ts';
import { contextOptions } from './tls-context.ts';
import type { X509Source } from './x509-source.ts';

/** A `tls.Server`; `onConnection` gets verified connections only, and `peerOf(socket)` says whose. */
export function createTlsServer(
  source: X509Source,
  options: MtlsOptions & { readonly alpn?: readonly string[] },
  onConnection?: (socket: TLSSocket) => void,
): TlsServer {
  const alpn = options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] };
  return verifying(createNodeTlsServer({ ...tlsOptions(source, options), ...alpn }, onConnection), source, options);
}

/**
 * An `https.Server`; `onRequest` may be any HTTP framework's, and `peerOf(request.socket)` says who calls. `http` takes
 * Node's options for HTTP itself, such as `requestTimeout`.
 */
export function createHttpsServer(
  source: X509Source,
  options: MtlsOptions & { readonly http?: ServerOptions },
  onRequest?: RequestListener,
): HttpsServer {
  return verifying(
    createNodeHttpsServer({ ...options.http, ...tlsOptions(source, options) }, onRequest),
    source,
    options,
  );
}

function tlsOptions(source: X509Source, options: MtlsOptions): TlsOptions {
  return {
    ...contextOptions(source.svid(options.pick)),
    requestCert: true,
    // Not trust, but another judge: with true Node would ask one pool of roots (X509-17).
    rejectUnauthorized: false,
    handshakeTimeout: options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
  };
}

function verifying<Server extends TlsServer>(server: Server, source: X509Source, options: MtlsOptions): Server {
  const authorize = requireAuthorizer(options.authorize);
  const clock = options.clock ?? systemClock;
  const pass = server.emit.bind(server) as (event: string | symbol, ...values: unknown[]) => boolean;
  const judge = (socket: Socket, check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (failure) {
      // First the socket: a listener that answers an error by writing to it must not reach the peer.
      socket.destroy();
      pass('tlsClientError', failure, socket);
      return false;
    }
  };
  const gate = (event: string | symbol, ...values: unknown[]): boolean => {
    const [socket] = values as [Socket];
    // Without a valid SVID of our own there is nothing to present, and to present an expired one helps nobody.
    // guard: I5 test/client/server.test.ts
    if (event === 'connection' && !judge(socket, () => source.svid(options.pick))) return true;
    const rules = { authorize, anchorsOf: source.bundleFor.bind(source), now: clock.now(), revocation: source };
    // guard: X509-17 test/client/server.test.ts
    if (event === 'secureConnection' && !judge(socket, () => verifyPeer(socket as TLSSocket, rules))) return true;
    // Node reports a handshake that takes too long, and leaves its socket open.
    // guard: I9 test/client/server.test.ts
    if (event === 'tlsClientError') (values[1] as TLSSocket).destroy();
    return pass(event, ...values);
  };
  server.emit = gate as Server['emit'];
  const stop = source.onUpdate(() => useNewest(server, source, options));
  server.once('close', stop);
  return server;
}

/** Connections made from now on present the newest SVID; Node keeps the context of each that is open. */
function useNewest(server: TlsServer, source: X509Source, options: MtlsOptions): void {
  // Withdrawn, expired or closed: the gate turns connections away by itself.
  if (source.status().state !== 'current') return;
  server.setSecureContext(contextOptions(source.svid(options.pick)));
}
