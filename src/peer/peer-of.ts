// SPDX-License-Identifier: Apache-2.0
/** A connection's caller hangs on the socket object itself and is found by nothing a request says (attack A3). */
import type { Socket } from 'node:net';
import type { Peer } from './peer.ts';

const peers = new WeakMap<Socket, Peer>();

export function setPeer(socket: Socket, peer: Peer): void {
  peers.set(socket, peer);
}

/** Undefined for a socket that no listener of ours accepted; whoever asks must refuse then. */
export function peerOf(socket: Socket): Peer | undefined {
  return peers.get(socket);
}
