// SPDX-License-Identifier: Apache-2.0
/**
 * Both ends of TLS for tests: an X509Source fed by a fake daemon, and bare peers that present whatever they are told,
 * send at the first moment they can, and count each byte that reaches them.
 */
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { X509Source } from '../../src/client/x509-source.ts';
import { FakeWorkloadApi, wireMessage, wireOf } from './fake-workload-api.ts';
import { type Issued, KU, pem, TestCa } from './test-ca.ts';

export const caA = TestCa.create('td-a');
export const caB = TestCa.create('td-b');
export const OUR_ID = 'spiffe://td-a/us';
export const PEER_ID = 'spiffe://td-b/peer';

/** What a peer presents; without `chain`, nothing. */
export interface Credential {
  readonly chain: readonly Buffer[];
  readonly pkcs8: Buffer;
}

/** Who must be refused although a pool of all roots, or a careless check, would let them in. */
export const impostors: readonly (readonly [row: string, what: string, make: () => Issued])[] = [
  ['X509-17', 'a td-b leaf signed by td-a while both are trusted', () => caA.issue(PEER_ID)],
  ['X509-17', 'the same through an intermediate', () => caA.intermediate().issue(PEER_ID)],
  ['X509-16', 'an expired leaf', () => caB.issue(PEER_ID, { notAfter: Date.now() - 5_000 })],
  ['X509-16', 'a leaf that is not valid yet', () => caB.issue(PEER_ID, { notBefore: Date.now() + 60_000 })],
  ['X509-16', 'a leaf signed by a stranger with the name of the CA', () => TestCa.create('td-b').issue(PEER_ID)],
  ['X509-18', 'a CA as leaf', () => caB.issue(PEER_ID, { isCa: true })],
  [
    'X509-19',
    'a leaf that may sign certificates',
    () => caB.issue(PEER_ID, { keyUsage: KU.digitalSignature | KU.keyCertSign }),
  ],
  ['X509-20', 'a leaf with two URI SANs', () => caB.issue(PEER_ID, { uris: [PEER_ID, 'spiffe://td-b/other'] })],
  ['X509-20', 'a leaf without a URI SAN', () => caB.issue(PEER_ID, { uris: [], dns: ['localhost'] })],
  ['X509-21', 'a leaf that names a trust domain', () => caB.issue('spiffe://td-b')],
  [
    'X509-27',
    'a leaf of a trust domain that nobody federated',
    () => TestCa.create('td-c').issue('spiffe://td-c/peer'),
  ],
  ['ID-16', 'a valid leaf of somebody else', () => caB.issue('spiffe://td-b/somebody-else')],
];

export class Party {
  readonly source: X509Source;
  readonly daemon: FakeWorkloadApi;

  private constructor(source: X509Source, daemon: FakeWorkloadApi) {
    this.source = source;
    this.daemon = daemon;
  }

  /** A process of td-a that trusts td-b too. */
  static async join(): Promise<Party> {
    const daemon = await FakeWorkloadApi.start((stream) => stream.send(Party.message(caA.issue(OUR_ID))));
    return new Party(await X509Source.open({ socket: daemon.uri }), daemon);
  }

  static message(issued: Issued, federated: Readonly<Record<string, TestCa>> = { 'td-b': caB }) {
    return wireMessage([wireOf(issued, OUR_ID, [caA.der])], federated);
  }

  /** The daemon sends another SVID, or the same with other bundles; resolves when it was taken. */
  async rotate(issued = caA.issue(OUR_ID), federated?: Readonly<Record<string, TestCa>>): Promise<Issued> {
    const taken = new Promise<void>((resolve) => {
      const stop = this.source.onUpdate(() => {
        stop();
        resolve();
      });
    });
    (await this.daemon.stream(this.daemon.streams.length)).send(Party.message(issued, federated));
    await taken;
    return issued;
  }

  close(): void {
    this.source.close();
    this.daemon.close();
  }
}

export const keyPem = (pkcs8: Buffer): string =>
  `-----BEGIN PRIVATE KEY-----\n${pkcs8
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END PRIVATE KEY-----\n`;

export function presenting(credential: Credential | undefined): Pick<TlsOptions, 'cert' | 'key' | 'ca'> {
  if (credential === undefined) return { ca: [] };
  return { cert: credential.chain.map(pem).join(''), key: keyPem(credential.pkcs8), ca: [] };
}

/** What reached one side of a bare connection. */
export interface Tally {
  bytes: number;
  /** How the connection ended, once it did. */
  readonly ended: Promise<void>;
  readonly socket: TLSSocket;
  /** As it was when the handshake ended; only known on the server's side. */
  readonly protocol: string | null;
  /** Of the certificate that the other side presented, lower-case hex. */
  readonly peerSerial: string | undefined;
}

/** A client without scruples: verifies nobody, and sends `first` along with the end of its handshake. */
export function bareClient(
  port: number,
  credential: Credential | undefined,
  first: string | Buffer,
  more: object = {},
): Tally {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...presenting(credential), ...more });
  socket.write(first);
  return tallyOf(socket);
}

export function tallyOf(socket: TLSSocket): Tally {
  const tally: Tally = {
    bytes: 0,
    socket,
    protocol: socket.getProtocol(),
    peerSerial: socket.getPeerX509Certificate()?.serialNumber.toLowerCase(),
    ended: new Promise((resolve) => {
      socket.once('close', () => resolve());
    }),
  };
  socket.on('data', (chunk: Buffer) => {
    tally.bytes += chunk.length;
  });
  socket.on('error', () => undefined);
  return tally;
}

/** Until the connection is over, or a byte came through on either side, which is how a test of refusal fails. */
export async function endedOrHeard(tally: Tally, otherSide: () => number = () => 0): Promise<void> {
  let over = false;
  tally.ended.then(() => {
    over = true;
  });
  while (!over && tally.bytes === 0 && otherSide() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A server that asks for a certificate, looks at none, and sends `first` as soon as it may. */
export class BareServer {
  readonly tallies: Tally[] = [];
  /** One for each TCP connection that came, when it closed. A client that refuses may not even end its handshake. */
  readonly closed: Promise<void>[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(credential: Credential, first: string | Buffer, more: TlsOptions = {}): Promise<BareServer> {
    const server = createServer({ ...presenting(credential), requestCert: true, rejectUnauthorized: false, ...more });
    const bare = new BareServer(server);
    server.on('connection', (socket) => {
      bare.closed.push(new Promise((resolve) => socket.once('close', () => resolve())));
    });
    server.on('secureConnection', (socket) => {
      bare.tallies.push(tallyOf(socket));
      if (first.length > 0) socket.write(first);
    });
    server.on('tlsClientError', () => undefined);
    await listening(server);
    return bare;
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** Bytes of the application that any client sent here. */
  get bytes(): number {
    return this.tallies.reduce((sum, tally) => sum + tally.bytes, 0);
  }

  close(): void {
    this.#server.close();
    for (const tally of this.tallies) tally.socket.destroy();
  }
}

export function listening<S extends { listen(port: number, host: string, done: () => void): unknown }>(
  server: S,
): Promise<S> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
