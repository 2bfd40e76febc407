// SPDX-License-Identifier: Apache-2.0
/** Connections that are open to peers that were verified, so that one whose certificate is revoked meanwhile can be cut. */
import type { TLSSocket } from 'node:tls';
import { Failure } from '../lib/failure.ts';
import type { Leaf } from './crl-book.ts';

export class OpenPeers {
  readonly #open = new Map<TLSSocket, Leaf>();

  add(socket: TLSSocket, leaf: Leaf): void {
    this.#open.set(socket, leaf);
    socket.once('close', () => this.#open.delete(socket));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Destroys those that are revoked; nothing that is on its way is read or written any more. */
  cut(isRevoked: (leaf: Leaf) => boolean): number {
    let count = 0;
    for (const [socket, leaf] of [...this.#open]) {
      if (!isRevoked(leaf)) continue;
      this.#open.delete(socket);
      count += 1;
      // Nobody need listen: an error must not end the process.
      socket.on('error', () => undefined);
      socket.destroy(peerRevoked(leaf.serial));
    }
    return count;
  }
}

export function peerRevoked(serial: string): Failure {
  return new Failure('permission-denied', 'PEER_REVOKED', `peer refused: its certificate ${serial} was revoked`, {
    hint: 'it gets another one by itself where an entry still matches it; an operator sees it with: assay svid show',
  });
}
