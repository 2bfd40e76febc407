// SPDX-License-Identifier: Apache-2.0
/** Connections that are open to peers that were verified, so that one whose certificate is revoked meanwhile can be cut. */
import type { TLSSocket } from 'node:tls';
import { Failure } from '../lib/failure.ts';
import type { Listable } from './crl-book.ts';

export class OpenPeers {
  readonly #open = new Map<TLSSocket, readonly Listable[]>();

  add(socket: TLSSocket, path: readonly Listable[]): void {
    this.#open.set(socket, path);
    socket.once('close', () => this.#open.delete(socket));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Destroys those that are revoked; nothing that is on its way is read or written any more. */
  cut(isRevoked: (certificate: Listable) => boolean): number {
    let count = 0;
    for (const [socket, path] of [...this.#open]) {
      const revoked = path.find(isRevoked);
      if (revoked === undefined) continue;
      this.#open.delete(socket);
      count += 1;
      // Nobody need listen: an error must not end the process.
      socket.on('error', () => undefined);
      // guard: WAPI-39 test/client/revocation-flow.test.ts
      socket.destroy(peerRevoked(revoked.serial));
    }
    return count;
  }
}

export function peerRevoked(serial: string): Failure {
  return new Failure('permission-denied', 'PEER_REVOKED', `peer refused: its certificate ${serial} was revoked`, {
    hint: 'it gets another one by itself where an entry still matches it; an operator sees it with: assay svid show',
  });
}
