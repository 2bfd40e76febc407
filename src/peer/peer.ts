// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import type { ProcessHandle } from './process-handle.ts';

/** One accepted connection and the process the kernel named at connect. */
export interface Peer {
  readonly process: ProcessHandle;
  /** Counts from 1 in the life of the daemon; for logs. */
  readonly connection: number;
  /** True when the caller shares the daemon's user, pid and mount namespaces, checked under a live pidfd (attack B3). */
  readonly sameNamespaces: boolean;
}

/** Hands over each accepted connection, its caller looked at. The receiver owns the socket, which flows once this returns. */
export type AcceptPeer = (socket: Socket, peer: Peer) => void;
