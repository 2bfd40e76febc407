// SPDX-License-Identifier: Apache-2.0
/**
 * gRPC over verified connections. On both sides grpc-js is given a socket only after its peer was verified: as a
 * client through its secure connector, as a server through its connection injector. Its own TLS credentials would not
 * do: their context is fixed or their only check is Node's, against one pool of roots (X509-17).
 */
import type { Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { CallCredentials, ChannelCredentials, type Server, ServerCredentials } from '@grpc/grpc-js';
import { Failure } from '../lib/failure.ts';
import { parseCertificate } from '../x509/parse.ts';
import { readSvidId } from '../x509/verify.ts';
import { requireAuthorizer } from './authorize.ts';
import { type MtlsOptions, openVerified } from './connect.ts';
import type { PeerIdentity } from './peer.ts';
import { createTlsServer } from './server.ts';
import type { X509Source } from './x509-source.ts';

const HTTP2 = ['h2'] as const;

/** For `new SomeClient(address, grpcCredentials(source, { authorize }))`. Each connection uses the newest SVID. */
export function grpcCredentials(source: X509Source, options: MtlsOptions): ChannelCredentials {
  requireAuthorizer(options.authorize);
  return new VerifyingCredentials(source, options);
}

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

class VerifyingCredentials extends ChannelCredentials {
  readonly #source: X509Source;
  readonly #options: MtlsOptions;

  constructor(source: X509Source, options: MtlsOptions) {
    super();
    this.#source = source;
    this.#options = options;
  }

  override _isSecure(): boolean {
    return true;
  }

  /** grpc-js shares connections between channels with equal credentials: only with these very ones. */
  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(_target: unknown, _options: unknown, callCredentials?: CallCredentials): Connector {
    return {
      connect: (socket) => this.#connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy: () => undefined,
    };
  }

  #connect(raw: Socket): ReturnType<Connector['connect']> {
    return new Promise((resolve, reject) => {
      openVerified(this.#source, this.#options, { socket: raw, alpn: HTTP2 }, (error, socket) => {
        if (socket === null) return reject(error);
        // grpc-js listens for errors only once its HTTP/2 session runs.
        socket.on('error', () => undefined);
        resolve({ socket, secure: true });
      });
    });
  }
}

/**
 * A TLS server whose verified connections go to `server`; `listen` and `close` are its own. `server` needs no
 * `bindAsync`. To stop: `front.close()`, then `server.tryShutdown` or `server.forceShutdown`.
 */
export function grpcServer(source: X509Source, options: MtlsOptions, server: Server): TlsServer {
  // The connection is already encrypted and its peer proven, so nothing is left for grpc-js to secure.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const front = createTlsServer(source, { ...options, alpn: HTTP2 }, (socket) => {
    socket.on('error', () => undefined);
    // What came without ALPN is no gRPC client, and HTTP/2 would be guessed at.
    if (socket.alpnProtocol === 'h2') injector.injectConnection(socket);
    else socket.destroy();
  });
  front.once('close', () => injector.destroy());
  return front;
}

/** What grpc-js tells of a call's connection; `ServerUnaryCall` and the streaming ones have it. */
interface ServedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } };
}

/** Who makes this call, on a server made by `grpcServer`. */
export function peerOfCall(call: ServedCall): PeerIdentity {
  // grpc-js gives the certificate only of connections that are marked as authorised, which verifyPeer alone does.
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (raw === undefined) {
    throw new Failure(
      'failed-precondition',
      'PEER_UNKNOWN',
      'this call did not come over a connection that assay/client verified',
      {
        hint: 'accept connections with grpcServer(source, options, server)',
      },
    );
  }
  const leaf = parseCertificate(raw);
  return { spiffeId: readSvidId(leaf), serial: leaf.serial, notAfter: leaf.notAfter };
}
