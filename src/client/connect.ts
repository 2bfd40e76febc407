// SPDX-License-Identifier: Apache-2.0
/**
 * Opens a TLS connection and hands it out only after the peer was verified: until then nobody but this file has the
 * socket, so not one byte of the application can be written to it or read from it. Every client adapter goes through
 * here. Each connection uses the identity that is newest when it begins.
 */
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { type Authorizer, requireAuthorizer } from './authorize.ts';
import { type PeerRules, verifyPeer } from './peer.ts';
import { secureContextOf } from './tls-context.ts';
import type { SvidPicker, X509Source } from './x509-source.ts';

export interface MtlsOptions {
  /** Who may be at the other end. There is no default. */
  readonly authorize: Authorizer;
  /** Which of several identities to present; the default one unless told. */
  readonly pick?: SvidPicker;
  /** For the handshake, the connecting included; 10 s unless told. */
  readonly handshakeTimeoutMs?: number;
  readonly clock?: Clock;
}

/** Where to. `socket` instead of an address runs TLS over a connection that is already there. */
export interface Destination {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly socket?: Duplex;
  readonly servername?: string;
  readonly localAddress?: string;
  readonly alpn?: readonly string[];
  readonly signal?: AbortSignal;
}

export const HANDSHAKE_TIMEOUT_MS = 10_000;

export type Connected = (error: Error | null, socket: TLSSocket | null) => void;

/** Calls `done` once: with a verified connection, in the tick of its check, or with the reason why there is none. */
export function openVerified(source: X509Source, options: MtlsOptions, to: Destination, done: Connected): void {
  const authorize = requireAuthorizer(options.authorize);
  const clock = options.clock ?? systemClock;
  let socket: TLSSocket;
  try {
    socket = begin(source, options, to);
  } catch (error) {
    process.nextTick(done, error as Error, null);
    return;
  }
  let settled = false;
  const settle = (error: Error | null): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    to.signal?.removeEventListener('abort', abort);
    if (error !== null) socket.destroy();
    done(error, error === null ? socket : null);
    // Until the new owner listens, which it does in this tick or in the next, an error must not end the process.
    setImmediate(() => socket.removeListener('error', settle).removeListener('close', closed));
  };
  const closed = (): void => settle(closedEarly(to));
  const abort = (): void => settle(to.signal?.reason as Error);
  const waitMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  const timer = setTimeout(() => settle(timedOut(to, waitMs)), waitMs);
  to.signal?.addEventListener('abort', abort, { once: true });
  socket.on('error', settle).once('close', closed);
  socket.once('secureConnect', () => {
    const rules = { authorize, anchorsOf: source.bundleFor.bind(source), now: clock.now(), revocation: source };
    settle(refusalOf(socket, rules, to.alpn));
  });
}

function begin(source: X509Source, options: MtlsOptions, to: Destination): TLSSocket {
  to.signal?.throwIfAborted();
  return connect({
    ...addressOf(to),
    secureContext: secureContextOf(source.svid(options.pick)),
    // Not trust, but another judge: with the default Node would ask one pool of roots (X509-17).
    rejectUnauthorized: false,
    ...(to.alpn === undefined ? {} : { ALPNProtocols: [...to.alpn] }),
  });
}

function refusalOf(socket: TLSSocket, rules: PeerRules, alpn: readonly string[] | undefined): Error | null {
  try {
    // guard: X509-17 test/client/connect.test.ts
    verifyPeer(socket, rules);
    requireProtocol(socket, alpn);
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** The same as a promise: a TLS connection whose peer is proven and admitted; `peerOf(socket)` says who it is. */
export function connectTls(source: X509Source, options: MtlsOptions & Destination): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    openVerified(source, options, options, (error, socket) => (socket === null ? reject(error) : resolve(socket)));
  });
}

function addressOf(to: Destination): object {
  const name = to.servername ?? to.host;
  return {
    ...(to.socket === undefined ? { host: to.host, port: to.port, path: to.path } : { socket: to.socket as Socket }),
    ...(to.localAddress === undefined ? {} : { localAddress: to.localAddress }),
    // RFC 6066, section 3: an address is no server name.
    ...(name === undefined || name === '' || isIP(name) !== 0 ? {} : { servername: name }),
  };
}

/** A peer that speaks another protocol, or none, is not what the application above expects. */
function requireProtocol(socket: TLSSocket, alpn: readonly string[] | undefined): void {
  if (alpn === undefined || !alpn.includes('h2') || alpn.length > 1 || socket.alpnProtocol === 'h2') return;
  throw new Failure('failed-precondition', 'PEER_PROTOCOL', 'peer refused: it does not speak HTTP/2');
}

function timedOut(to: Destination, waitMs: number): Failure {
  return new Failure('unavailable', 'HANDSHAKE_TIMEOUT', `no TLS connection to ${shown(to)} within ${waitMs / 1000} s`);
}

function closedEarly(to: Destination): Failure {
  return new Failure('unavailable', 'HANDSHAKE_CLOSED', `${shown(to)} closed the connection during the TLS handshake`);
}

function shown(to: Destination): string {
  return to.path ?? `${to.host ?? 'localhost'}:${to.port ?? 443}`;
}
