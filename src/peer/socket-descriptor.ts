// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';

/**
 * The one place where a raw descriptor is taken from a socket. Valid within the tick alone, in which it is used and
 * forgotten: later it may be another's (attack A3).
 */
export function descriptorOf(socket: Socket): number {
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null })._handle;
  const fd = handle?.fd;
  if (typeof fd !== 'number' || fd < 0) throw new Error('socket without a descriptor');
  return fd;
}
