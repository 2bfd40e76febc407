// SPDX-License-Identifier: Apache-2.0
/**
 * The processes that hold a connection: one record and one pidfd each, however many connections share it. All of it is
 * synchronous, so a record cannot change between the look and the use.
 */
import {
  type OverflowIds,
  type PeerCredentials,
  type PidfdSource,
  readKnown,
  readNumbered,
  readPeer,
} from './credentials.ts';
import type { OwnedFd } from './owned-fd.ts';
import { ProcessGone, pidOf } from './proc-look.ts';
import { type ProcessRooms, processGone, TrackedProcess } from './process.ts';
import type { ProcessHandle } from './process-handle.ts';

/** Told of every process that comes and goes. */
export interface ProcessWatch {
  add(process: TrackedProcess): void;
  /** Its first look is done. */
  settled(process: TrackedProcess): void;
  /** Called before the pidfd is closed. */
  remove(process: TrackedProcess): void;
}

export interface Hold {
  readonly process: TrackedProcess;
  /** Settles when the first look is done; rejects with a Failure. Nobody may have the process before. */
  ready(): Promise<void>;
  /** Idempotent. The last hold of a process closes its descriptor. */
  release(): void;
}

interface Row {
  readonly process: TrackedProcess;
  readonly abort: AbortController;
  ready: Promise<void> | undefined;
  holds: number;
}

export class ProcessTable {
  readonly #source: PidfdSource;
  readonly #overflow: OverflowIds;
  readonly #rooms: ProcessRooms;
  readonly #watch: ProcessWatch;
  readonly #place: (process: TrackedProcess) => void;
  readonly #byPid = new Map<number, Row>();
  readonly #bySerial = new Map<number, TrackedProcess>();
  #serial = 0;

  /** `place` says whom a newcomer counts for, before it is looked at. */
  constructor(
    source: PidfdSource,
    overflow: OverflowIds,
    rooms: ProcessRooms,
    watch: ProcessWatch,
    place: (process: TrackedProcess) => void,
  ) {
    this.#place = place;
    this.#source = source;
    this.#overflow = overflow;
    this.#rooms = rooms;
    this.#watch = watch;
  }

  get size(): number {
    return this.#bySerial.size;
  }

  bySerial(serial: number): TrackedProcess | undefined {
    return this.#bySerial.get(serial);
  }

  /** Who is behind this freshly accepted socket. Throws a Failure, and then nothing is kept open. */
  admit(socketFd: number): Hold {
    return this.#holdPeer(readPeer(socketFd, this.#source, this.#overflow));
  }

  /**
   * The process of this number, for an operator who wants to know what is seen of it. Throws a Failure. It is entered as a
   * peer would be: a connection of the same process finds it, and proves by its own pidfd that it is the same.
   */
  examine(pid: number): Hold {
    return this.#holdPeer(readNumbered(pid, this.#source));
  }

  /** The record behind a handle, while somebody holds it. */
  recordOf(process: ProcessHandle): TrackedProcess | undefined {
    const row = this.#byPid.get(process.pid);
    return row?.process === process ? row.process : undefined;
  }

  /** One more hold of a process that is held already; undefined when it is not. */
  again(process: ProcessHandle): Hold | undefined {
    const row = this.#byPid.get(process.pid);
    return row?.process === process ? this.#hold(row) : undefined;
  }

  /**
   * The process that `pidfd` names, in whatever program it runs by now and under whatever uid: the record that its
   * connections share. Throws ProcessGone or a Failure, and then nothing is kept open.
   */
  take(pidfd: OwnedFd, pid: number, weak: boolean): Hold {
    return this.#holdPeer(readKnown(pidfd, pid, weak, this.#overflow));
  }

  #holdPeer(peer: PeerCredentials): Hold {
    let kept = false;
    try {
      const known = this.#byPid.get(peer.pid);
      if (known !== undefined && sameProcess(known.process, peer)) return this.#hold(known);
      const row = this.#enter(peer);
      kept = true;
      return this.#hold(row);
    } catch (error) {
      if (error instanceof ProcessGone) throw processGone('it has exited', error);
      throw error;
    } finally {
      // guard: A3 test/peer/descriptors.test.ts — one pidfd a process: a duplicate and a refused caller's are closed
      if (!kept) peer.pidfd.close();
    }
  }

  /** Releases everything. */
  close(): void {
    for (const row of [...this.#byPid.values()]) row.process.end('unreadable');
    for (const process of [...this.#bySerial.values()]) this.#forget(process);
  }

  #enter(peer: PeerCredentials): Row {
    const process = new TrackedProcess(peer, this.#serial + 1, this.#rooms);
    this.#place(process);
    this.#watch.add(process);
    this.#serial = process.serial;
    const row = { process, abort: new AbortController(), ready: undefined, holds: 0 };
    this.#byPid.set(process.pid, row);
    this.#bySerial.set(process.serial, process);
    return row;
  }

  #hold(row: Row): Hold {
    row.holds += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      row.holds -= 1;
      if (row.holds > 0) return;
      row.abort.abort(processGone('connection closed'));
      this.#forget(row.process);
    };
    const ready = (): Promise<void> => {
      row.ready ??= row.process.settle(row.abort.signal).then(
        () => this.#watch.settled(row.process),
        (error: unknown) => {
          // Whoever holds it still may ask again.
          row.ready = undefined;
          throw error;
        },
      );
      return row.ready;
    };
    return { process: row.process, ready, release };
  }

  #forget(process: TrackedProcess): void {
    if (this.#byPid.get(process.pid)?.process === process) this.#byPid.delete(process.pid);
    if (!this.#bySerial.delete(process.serial)) return;
    this.#watch.remove(process);
    process.pidfd.close();
  }
}

/**
 * The peer's pidfd names the number now, and the known process, which had that number before, still runs after that: a
 * number has one holder at a time, so they are one process. An exec or another uid ends the known one, and the caller
 * is entered anew.
 */
function sameProcess(known: TrackedProcess, peer: PeerCredentials): boolean {
  // guard: A4 test/peer/process-table.test.ts — a reaped caller's number may be a stranger's by now
  if (pidOf(peer.pidfd) !== peer.pid) throw new ProcessGone('the caller has exited');
  const alive = known.stillSame().same;
  return alive && known.uid === peer.uid && known.gid === peer.gid;
}
