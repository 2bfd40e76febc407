// SPDX-License-Identifier: Apache-2.0
/**
 * Who serves at the other end of a unix socket that we connected (attack A13): for a stream or seqpacket socket the kernel
 * names the process that called listen(2) (SO_PEERCRED, unix(7)). A name in a folder says nothing of that.
 */
import type { Socket } from 'node:net';
import { isReadable, pidfdOpen, SO_PEERCRED, SO_PEERPIDFD, socketOption } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { pidOf } from './proc-look.ts';
import { descriptorOf } from './socket-descriptor.ts';

export interface ServedBy {
  /** 0 when it is outside our pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Synchronous. Throws a NativeError when the kernel does not say. */
export function servedBy(socketFd: number): ServedBy {
  const credentials = Buffer.alloc(12);
  socketOption(socketFd, SO_PEERCRED, credentials);
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8) };
}

/** Of a connected socket, in this tick. */
export function servedBySocket(socket: Socket): ServedBy {
  return servedBy(descriptorOf(socket));
}

/** A child that we started and hold by a pidfd. */
export class OwnChild {
  readonly pid: number;
  readonly #pidfd: OwnedFd;

  /** In the tick of the spawn: until then nobody has waited for it, so the number is its own. */
  constructor(pid: number) {
    this.pid = pid;
    this.#pidfd = new OwnedFd(pidfdOpen(pid));
  }

  get alive(): boolean {
    return !this.#pidfd.closed && !isReadable(this.#pidfd.number);
  }

  /** Does this very child serve the socket that we connected? */
  serves(socketFd: number): boolean {
    try {
      // guard: A13 test/peer/served-by.test.ts — somebody else took the name, or a process that had this number before
      if (livingPid(socketFd) !== this.pid) return false;
      return this.alive;
    } catch (error) {
      if (error instanceof NativeError) return false;
      throw error;
    }
  }

  servesSocket(socket: Socket): boolean {
    return this.serves(descriptorOf(socket));
  }

  close(): void {
    this.#pidfd.close();
  }
}

/** Linux 6.5 and newer name the process itself, and nothing once it has ended; before that, the number has to do. */
function livingPid(socketFd: number): number {
  const descriptor = Buffer.alloc(4);
  try {
    socketOption(socketFd, SO_PEERPIDFD, descriptor);
  } catch (error) {
    if (error instanceof NativeError && error.code === 'ENOPROTOOPT') return servedBy(socketFd).pid;
    throw error;
  }
  const pidfd = new OwnedFd(descriptor.readInt32LE(0));
  try {
    return pidOf(pidfd);
  } finally {
    pidfd.close();
  }
}
