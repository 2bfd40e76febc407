// SPDX-License-Identifier: Apache-2.0
/**
 * The process connector as a stream of events with a ceiling. Its events come from the whole machine, and some cost
 * whoever causes them next to nothing (setresuid with subordinate uids, names of threads before Linux 6.6), so anybody
 * could keep the reader busy for ever: past the ceiling the stream closes and says so.
 */
import { epollAdd, epollRearm, epollRemove } from './native.ts';
import { NativeError } from './native-error.ts';
import type { OwnedFd } from './owned-fd.ts';
import { hearsItself, MOST_AT_ONCE, nextEvent, openConnector, type ProcEvent } from './proc-connector.ts';

/** Events in one second: some 100 ms of reading. A machine that builds software all day makes a tenth. */
const MOST_A_SECOND = 40_000;

/** `lost`: the kernel dropped some. `flooded`: too many to read. `empty`: everything up to now has been heard. */
export type Heard = 'empty' | 'lost' | 'flooded';

export class ConnectorStream {
  readonly #socket: OwnedFd;
  readonly #epoll: OwnedFd;
  readonly #data: number;
  readonly #pid: number;
  #second = 0;
  #count = 0;

  private constructor(socket: OwnedFd, epoll: OwnedFd, data: number, pid: number) {
    this.#socket = socket;
    this.#epoll = epoll;
    this.#data = data;
    this.#pid = pid;
    epollAdd(epoll.number, socket.number, data, true);
  }

  /** Entered into `epoll` under `data`, for one event at a time; or in words why there is none. */
  static open(epoll: OwnedFd, data: number, pid: number, receiveBytes: number | undefined): ConnectorStream | string {
    const socket = openConnector(pid, receiveBytes);
    return typeof socket === 'string' ? socket : new ConnectorStream(socket, epoll, data, pid);
  }

  /** Everything that waits, in order. */
  hear(happened: (event: ProcEvent) => void): Heard {
    let lost = false;
    for (let count = 0; count < MOST_AT_ONCE; count += 1) {
      const event = this.#next();
      if (event === undefined) return this.#heard(count, lost);
      if (event === 'lost') lost = true;
      else if (event !== 'other') happened(event);
    }
    return 'flooded';
  }

  /** Wants to be told of the next event. */
  rearm(): void {
    epollRearm(this.#epoll.number, this.#socket.number, this.#data);
  }

  /** Does something that the connector reports, and looks whether it does. What else waits is passed on. */
  test(happened: (event: ProcEvent) => void): boolean {
    try {
      return hearsItself(this.#socket.number, this.#pid, happened);
    } catch (error) {
      if (error instanceof NativeError) return false;
      throw error;
    }
  }

  close(): void {
    epollRemove(this.#epoll.number, this.#socket.number);
    this.#socket.close();
  }

  #next(): ProcEvent | 'other' | 'lost' | undefined {
    try {
      return nextEvent(this.#socket.number);
    } catch (error) {
      // Said once for all that were lost; what waits behind it was not.
      if (error instanceof NativeError && error.code === 'ENOBUFS') return 'lost';
      throw error;
    }
  }

  #heard(count: number, lost: boolean): Heard {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    this.#count += count;
    if (this.#count > MOST_A_SECOND) return 'flooded';
    return lost ? 'lost' : 'empty';
  }
}
