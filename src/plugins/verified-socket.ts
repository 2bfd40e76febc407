// SPDX-License-Identifier: Apache-2.0
/**
 * One connection of grpc-js to a plugin: the socket is judged in the tick in which it connects, before a byte is written.
 * A second connection is refused, so that nobody is talked to who was not configured.
 */
import type { Socket } from 'node:net';
import { CallCredentials, ChannelCredentials } from '@grpc/grpc-js';

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

export class OneVerifiedSocket extends ChannelCredentials {
  readonly #isServer: (socket: Socket) => boolean;
  readonly #closed: () => void;
  #connected = false;

  /** `closed` is called once, when the connection that was made has ended. */
  constructor(isServer: (socket: Socket) => boolean, closed: () => void) {
    super();
    this.#isServer = isServer;
    this.#closed = closed;
  }

  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(_target: unknown, _options: unknown, callCredentials?: CallCredentials): Connector {
    return {
      connect: (socket) => this.#judge(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy: () => undefined,
    };
  }

  async #judge(socket: Socket): ReturnType<Connector['connect']> {
    if (this.#connected) throw new Error('the connection to the plugin has ended');
    // guard: A13 test/plugins/session.test.ts
    if (!this.#isServer(socket)) throw new Error('somebody else serves the socket');
    this.#connected = true;
    socket.once('close', this.#closed);
    // grpc-js listens for errors only once its HTTP/2 session runs.
    socket.on('error', () => undefined);
    return { socket, secure: false };
  }
}
