// SPDX-License-Identifier: Apache-2.0
/**
 * A connector for undici, and so for `fetch` with a dispatcher:
 *
 *     new undici.Agent({ connect: undiciConnector(source, { authorize: authorizeId('spiffe://example.org/billing') }) })
 *
 * undici writes only to what the callback brings, and the callback brings verified connections only. Plain http:// is
 * refused: under these options a request in clear text is a mistake.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Failure } from '../lib/failure.ts';
import { requireAuthorizer } from './authorize.ts';
import { type Destination, type MtlsOptions, openVerified } from './connect.ts';
import type { X509Source } from './x509-source.ts';

/** The part of undici's `buildConnector.Options` that says where to. */
export interface UndiciTarget {
  readonly hostname: string;
  readonly port: string;
  readonly protocol: string;
  readonly servername?: string;
  readonly localAddress?: string | null;
  readonly httpSocket?: Socket;
}

export type UndiciConnector = (
  target: UndiciTarget,
  callback: (...result: [null, TLSSocket] | [Error, null]) => void,
) => void;

export function undiciConnector(
  source: X509Source,
  options: MtlsOptions & { /** Of a unix socket, instead of host and port. */ readonly socketPath?: string },
): UndiciConnector {
  requireAuthorizer(options.authorize);
  return (target, callback) => {
    // guard: X509-17 test/client/connect.test.ts — without TLS there is no peer to verify
    if (target.protocol !== 'https:') return process.nextTick(callback, clearText(target), null);
    openVerified(source, options, destination(target, options.socketPath), (error, socket) => {
      if (socket === null) callback(error as Error, null);
      else callback(null, socket);
    });
  };
}

function destination(target: UndiciTarget, socketPath: string | undefined): Destination {
  const { hostname, port, servername, localAddress, httpSocket } = target;
  // undici leaves the port out where it is the scheme's own; it writes an IPv6 address in brackets.
  const address = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 443 : Number(port) };
  return {
    ...(httpSocket === undefined
      ? socketPath === undefined
        ? address
        : { path: socketPath }
      : { socket: httpSocket }),
    ...(servername ? { servername } : {}),
    ...(localAddress ? { localAddress } : {}),
    alpn: ['http/1.1'],
  };
}

function clearText(target: UndiciTarget): Failure {
  return new Failure(
    'invalid-argument',
    'CLEAR_TEXT',
    `${target.protocol}//${target.hostname} would be sent in clear text`,
    {
      hint: 'write https://',
    },
  );
}
