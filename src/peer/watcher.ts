// SPDX-License-Identifier: Apache-2.0
/**
 * Hears of every end of a connected process and tells the process so: exits from the epoll thread in a fraction of a
 * millisecond; execs and changes of uid from the process connector, or from the sweep within 2 s where there is no
 * connector (attack A5). A move to another cgroup is found by the sweep in any case, where somebody asked for it.
 *
 * The connector is read on the main loop: when the thread says that something waits, and before anything is decided
 * about a process (`hear`). The kernel queues an exec before the new program runs, so after `hear` no exec up to that
 * moment is unknown.
 */
import type { Logger } from '../telemetry/logger.ts';
import { ConnectorStream } from './connector-stream.ts';
import { epollAdd, epollCreate, epollRemove, eventFd, writeBytes } from './native.ts';
import { OwnedFd } from './owned-fd.ts';
import type { ExecEvent, ProcEvent } from './proc-connector.ts';
import type { TrackedProcess } from './process.ts';
import type { ProcessWatch } from './process-table.ts';
import type { Sweeper } from './sweeper.ts';
import { CONNECTOR, FIRST_PROCESS, WAKE, type WatchMessage } from './watch-messages.ts';
import { WatchThread } from './watch-thread.ts';

export interface WatcherOptions {
  readonly log: Logger;
  /** False: never use the process connector. */
  readonly connector: boolean;
  readonly connectorBytes: number | undefined;
  /** Follows cgroups, and images while there is no connector. */
  readonly sweeper: Sweeper;
  /** Told of each exec on the machine that the kernel reports, in order, after the process itself. */
  readonly execed?: (event: ExecEvent) => void;
}

/** The connector is tested so often. */
const TEST_MS = 1_000;
/** After a flood or a silence it is tried again. */
const RETRY_MS = 30_000;

export class Watcher implements ProcessWatch {
  readonly #options: WatcherOptions;
  readonly #epoll = new OwnedFd(epollCreate());
  readonly #wake = new OwnedFd(eventFd());
  readonly #thread: WatchThread;
  readonly #bySerial = new Map<number, TrackedProcess>();
  readonly #byPid = new Map<number, TrackedProcess>();
  readonly #happened = (event: ProcEvent): void => this.#tell(event);
  /** Why there is no connector; undefined while it is in use. */
  connectorAbsent: string | undefined = 'not opened yet';
  #connector: ConnectorStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #lookAgain = false;
  #closing: Promise<void> | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
    epollAdd(this.#epoll.number, this.#wake.number, WAKE, false);
    if (options.connector) this.#openConnector();
    else this.#useSweeper('switched off');
    this.#thread = new WatchThread({
      epoll: this.#epoll.number,
      ready: (ready) => this.#ready(ready),
      restarted: () => this.#lookAtEveryone(),
      wake: () => this.#wakeThread(),
      log: options.log,
    });
  }

  add(process: TrackedProcess): void {
    // guard: A5 test/peer/process-end.test.ts
    epollAdd(this.#epoll.number, process.pidfd.number, process.serial + FIRST_PROCESS, true);
    this.#bySerial.set(process.serial, process);
    this.#byPid.set(process.pid, process);
  }

  settled(process: TrackedProcess): void {
    this.#follow(process);
  }

  /** Somebody rests on its cgroup from now on. */
  cgroupAsked(process: TrackedProcess): void {
    this.#follow(process);
  }

  #follow(process: TrackedProcess): void {
    if (this.#bySerial.has(process.serial)) this.#options.sweeper.follow(process, this.#connector === undefined);
  }

  remove(process: TrackedProcess): void {
    epollRemove(this.#epoll.number, process.pidfd.number);
    this.#bySerial.delete(process.serial);
    this.#options.sweeper.remove(process);
    if (this.#byPid.get(process.pid) === process) this.#byPid.delete(process.pid);
  }

  /** Takes in everything the kernel has reported up to now. */
  hear(): void {
    const heard = this.#connector?.hear(this.#happened);
    if (heard === undefined || heard === 'empty') return;
    // guard: I9 test/peer/connector.test.ts — whoever floods it slows everyone
    if (heard === 'flooded') this.#giveUp('it reports more than can be read');
    this.#options.log.warn({ heard }, 'process events were lost; every connected process is looked at');
    // guard: A5 test/peer/connector.test.ts — lost events may have been anyone's
    this.#lookAtEveryone();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#thread.close();
    this.#connector?.close();
    this.#epoll.close();
    this.#wake.close();
  }

  #wakeThread(): void {
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    if (!this.#wake.closed) writeBytes(this.#wake.number, one);
  }

  #ready(ready: WatchMessage): void {
    if (this.#closing !== undefined) return;
    if (ready.includes(CONNECTOR)) {
      this.hear();
      this.#connector?.rearm();
    }
    for (const data of ready) this.#bySerial.get(data - FIRST_PROCESS)?.end('exited');
  }

  #tell(event: ProcEvent): void {
    this.#tellWhose(event);
    if (event.kind === 'exec') this.#options.execed?.(event);
  }

  #tellWhose(event: ProcEvent): void {
    if (event.kind === 'named') return;
    const whose = this.#byPid.get(event.pid);
    // What happened before the first look is part of what was seen then; or it happened to the number's last holder.
    if (whose === undefined || event.at < whose.enteredAt) return;
    if (event.kind === 'exec') whose.end('exec');
    else if (event.effective !== (event.kind === 'uid' ? whose.uid : whose.gid)) whose.end('credentials-changed');
  }

  #openConnector(): void {
    const { connectorBytes, log } = this.#options;
    const opened = ConnectorStream.open(this.#epoll, CONNECTOR, process.pid, connectorBytes);
    if (typeof opened === 'string') {
      this.#useSweeper(opened);
      return;
    }
    if (this.#bySerial.size > 0) log.info({}, 'the process connector is in use again');
    this.#connector = opened;
    this.connectorAbsent = undefined;
    for (const process of this.#bySerial.values()) this.#follow(process);
    // What happened since the last sweep.
    this.#lookAtEveryone();
    this.#after(TEST_MS, () => this.#test());
  }

  #test(): void {
    if (this.#connector?.test(this.#happened) === true) {
      this.#after(TEST_MS, () => this.#test());
      return;
    }
    this.#giveUp('it fell silent');
    this.#lookAtEveryone();
  }

  #giveUp(why: string): void {
    this.#connector?.close();
    this.#connector = undefined;
    this.#useSweeper(why);
    this.#after(RETRY_MS, () => this.#openConnector());
  }

  #after(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms).unref();
  }

  #useSweeper(why: string): void {
    const { log, sweeper } = this.#options;
    this.connectorAbsent = why;
    sweeper.start();
    log.info({ why }, 'no process connector: execs are found by looking every second');
    for (const process of this.#bySerial.values()) this.#follow(process);
  }

  /** One after the other, so that newcomers get their turn; each look ends its process by itself if something changed. */
  async #lookAtEveryone(): Promise<void> {
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    const never = new AbortController().signal;
    while (this.#lookAgain && this.#closing === undefined) {
      this.#lookAgain = false;
      for (const process of [...this.#bySerial.values()]) {
        if (process.baseline !== undefined) await process.takeLook(never).catch(() => undefined);
      }
    }
    this.#looking = false;
  }
}
