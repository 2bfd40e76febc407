// SPDX-License-Identifier: Apache-2.0
/** A real listener with a certificate of a test CA, and ways to ask it that no polite client has. */
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type CertificateSource, HttpsListener, type HttpsOptions } from '../../src/https/listener.ts';
import type { Routes } from '../../src/https/routes.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { type Issued, pem, TestCa, type TestKeyType } from '../support/test-ca.ts';
import { keyPem } from '../support/tls-parties.ts';

export const webCa = TestCa.create('web-ca');

export function webPair(names: readonly string[] = ['localhost'], keyType: TestKeyType = 'ec'): Issued {
  return webCa.issue('', { uris: [], dns: names, keyType });
}

export function fixedCertificate(issued: Issued = webPair()): CertificateSource {
  const pair = { cert: issued.chain.map(pem).join(''), key: keyPem(issued.pkcs8) };
  return { current: () => pair, onChange: () => () => undefined };
}

export const DOCUMENT = '{"keys":[],"spiffe_sequence":7}\n';

export const routes: Routes = new Map([
  ['/', () => ({ contentType: 'application/json', body: DOCUMENT, cacheControl: 'max-age=75' })],
  [
    '/broken',
    () => {
      throw new Error('no document');
    },
  ],
]);

export async function listen(
  over: Partial<HttpsOptions> = {},
): Promise<{ readonly listener: HttpsListener; readonly port: number; readonly log: RecordingLogger }> {
  const log = new RecordingLogger();
  const listener = await HttpsListener.start({
    host: '127.0.0.1',
    port: 0,
    certificate: fixedCertificate(),
    routes,
    connections: 100,
    connectionsPerAddress: 50,
    headerBytes: 4_096,
    clock: systemClock,
    log,
    ...over,
  });
  return { listener, port: listener.port, log };
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export function ask(
  port: number,
  options: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly ca?: Buffer;
  } = {},
): Promise<Answered> {
  const { body: sent, ca = webCa.der, ...rest } = options;
  return new Promise((resolve, reject) => {
    const asked = request({ host: 'localhost', port, agent: false, ca: pem(ca), ...rest }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject).end(sent);
  });
}

/** The end of a handshake, or why there is none. */
export function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, ca: pem(webCa.der), ...options }, () => resolve(socket));
    socket.on('error', reject).once('close', () => reject(new Error('closed')));
  });
}

export function tcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: '127.0.0.1', port }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Everything that comes back for these bytes, until the other side ends the connection. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = await handshake(port);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes);
  await ended;
  return text;
}
