// SPDX-License-Identifier: Apache-2.0
/** Waiting for the end of a caller, or of its connection. */
import type { Socket } from 'node:net';
import type { Peer } from '../../src/peer/peer.ts';

/** Settles with the reason when the process's end is seen. */
export function ended(peer: Peer, timeoutMs = 25_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the end was not seen')), timeoutMs);
    peer.process.onEnd((reason) => {
      clearTimeout(timer);
      resolve(reason);
    });
  });
}

export function closed(socket: Socket, timeoutMs = 25_000): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.closed) return resolve();
    const timer = setTimeout(() => reject(new Error('the connection was not closed')), timeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
