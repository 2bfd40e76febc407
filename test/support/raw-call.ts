// SPDX-License-Identifier: Apache-2.0
/** One gRPC call made by hand over HTTP/2: the test writes the bytes of the request and hears how it ends. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

export const FETCH_SVID = '/SpiffeWorkloadAPI/FetchX509SVID';

export function rawSession(socket: string): ClientHttp2Session {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  session.on('error', () => undefined);
  return session;
}

export interface RawStatus {
  /** grpc-status; undefined when the stream closed without one. */
  readonly code: number | undefined;
  readonly message: string;
}

export class RawCall {
  readonly stream: ClientHttp2Stream;
  readonly status: Promise<RawStatus>;
  /** The code of RST_STREAM. */
  readonly closed: Promise<number>;

  constructor(session: ClientHttp2Session, path: string = FETCH_SVID, headers: Readonly<Record<string, string>> = {}) {
    this.stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'workload.spiffe.io': 'true',
      ...headers,
    });
    this.closed = new Promise((resolve) => this.stream.on('close', () => resolve(this.stream.rstCode ?? 0)));
    this.status = new Promise((resolve) => {
      const look = (fields: Record<string, unknown>): void => {
        if (fields['grpc-status'] === undefined) return;
        const message = decodeURIComponent(String(fields['grpc-message'] ?? ''));
        resolve({ code: Number(fields['grpc-status']), message });
      };
      this.stream.on('response', look);
      this.stream.on('trailers', look);
      this.stream.on('error', () => undefined);
      this.stream.on('close', () => resolve({ code: undefined, message: '' }));
    });
    this.stream.resume();
  }
}
