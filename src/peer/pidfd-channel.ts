// SPDX-License-Identifier: Apache-2.0
/**
 * Hands duplicates of callers' pidfds to another process, over a unix socket of messages (SOCK_SEQPACKET) of its own:
 * eight bytes, the ticket as a big-endian number, with the descriptor beside them. A pidfd gives its holder no right over the
 * process that its own uid does not have; it says whether the process still lives, whatever becomes of its number.
 */
import { Failure } from '../lib/failure.ts';
import { AF_UNIX, connectSocket, openSocket, SOCK_NONBLOCK, SOCK_SEQPACKET, sendDescriptor } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { TrackedProcess } from './process.ts';
import type { ProcessHandle } from './process-handle.ts';

export class PidfdChannel {
  readonly #socket: OwnedFd;
  #ticket = 0n;

  private constructor(socket: OwnedFd) {
    this.#socket = socket;
  }

  /** `isServer` judges who listens at `path`. Throws a Failure `PLUGIN_UNAVAILABLE`. */
  static connect(path: string, isServer: (socketFd: number) => boolean): PidfdChannel {
    const socket = new OwnedFd(openSocket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
    try {
      connectSocket(socket.number, Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path), Buffer.from([0])]));
      // guard: A13 test/peer/pidfd-channel.test.ts
      if (!isServer(socket.number)) throw unavailable(path, 'is served by somebody else');
      return new PidfdChannel(socket);
    } catch (error) {
      socket.close();
      if (error instanceof NativeError) throw unavailable(path, `cannot be connected (${error.code})`, error);
      throw error;
    }
  }

  /** The ticket that the duplicate went under. Throws a Failure when the other side takes no more. */
  send(process: ProcessHandle): bigint {
    // guard: A3 test/peer/pidfd-channel.test.ts — only of a process that is held
    if (!(process instanceof TrackedProcess) || process.pidfd.closed) throw unavailable('the pidfd', 'is not held');
    this.#ticket += 1n;
    const ticket = Buffer.alloc(8);
    ticket.writeBigUInt64BE(this.#ticket);
    try {
      sendDescriptor(this.#socket.number, ticket, process.pidfd.number);
    } catch (error) {
      if (error instanceof NativeError) throw unavailable('the pidfd', `cannot be sent (${error.code})`, error);
      throw error;
    }
    return this.#ticket;
  }

  close(): void {
    this.#socket.close();
  }
}

function unavailable(what: string, why: string, cause?: unknown): Failure {
  return new Failure('unavailable', 'PLUGIN_UNAVAILABLE', `${what} ${why}`, {
    hint: 'a plugin that wants pidfds listens at its socket’s path with .pidfd behind it, and reads each message',
    ...(cause === undefined ? {} : { cause }),
  });
}
