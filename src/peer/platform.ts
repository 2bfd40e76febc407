// SPDX-License-Identifier: Apache-2.0
/**
 * What this machine's kernel lets the daemon know of its callers, decided once at start, and the parts that live as
 * long as the daemon: the table of connected processes, those who watch them, the helpers that read files.
 */
import { release } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { BackgroundLooks } from './background-looks.ts';
import { setCeilingSubject } from './ceilings.ts';
import { type CgroupMounts, cgroupMounts, countedCgroup } from './cgroup-owner.ts';
import type { PidfdSource } from './credentials.ts';
import { DigestCache } from './digest-cache.ts';
import { ExecutableLooks } from './executable.ts';
import { FileHelpers } from './file-helpers.ts';
import { Launches, type LaunchLimits } from './launches.ts';
import { Mounts } from './mounts.ts';
import { mayLookAtOthers, overflowId, ownNamespaces, shareNamespaces } from './namespaces.ts';
import { descriptorLimit } from './native.ts';
import { decidePidfdSource } from './pidfd-support.ts';
import { checkProc } from './proc-check.ts';
import type { ExecEvent } from './proc-connector.ts';
import type { ProcessRooms, TrackedProcess } from './process.ts';
import { type Hold, ProcessTable } from './process-table.ts';
import { ScriptLooks } from './script.ts';
import { SubuidOwners } from './subuid.ts';
import { Sweeper } from './sweeper.ts';
import { Watcher } from './watcher.ts';

export interface PlatformOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Largest executable that is hashed (`limits.digest_file_bytes`). */
  readonly digestFileBytes: number;
  /** Most connections at once (`limits.connections`), to compare with the descriptor limit. */
  readonly connections?: number;
  /** Ceilings of the launcher; some of its own when absent. */
  readonly launches?: LaunchLimits;
  readonly random?: Random;
  /** Detectors will look at callers, and their helper is kept. */
  readonly background?: boolean;
  /** Longest a helper may take over one file. */
  readonly fileDeadlineMs?: number;
  /** False: never use the process connector; execs are then found by the sweep. */
  readonly connector?: boolean;
  /** Size of the connector's receive buffer; tests make it small to lose events. */
  readonly connectorBytes?: number;
  /** False: as on a kernel before 6.5, take the peer's pidfd by number, and mark every caller weak. */
  readonly peerPidfd?: boolean;
}

/** For `doctor`. */
export interface PlatformFacts {
  readonly kernel: string;
  /** SO_PEERPIDFD: without it every caller is `weak`. */
  readonly peerPidfd: boolean;
  /** The process connector reports execs; undefined when it does, else why not. */
  readonly connectorAbsent: string | undefined;
  /** The daemon may look at executables of other uids: `path` and `sha256` work for them. */
  readonly readsOtherUids: boolean;
  /** The daemon's user namespace maps every id; without that, unmapped callers are refused. */
  readonly allIdsMapped: boolean;
  /** Open descriptors allowed, and needed for the connections allowed. */
  readonly descriptorLimit: number;
  readonly descriptorsNeeded: number;
  readonly processes: number;
}

export interface PeerPlatform {
  /** Who is behind this freshly accepted socket; in the accept callback only. Throws a Failure. */
  admit(socketFd: number): Hold;
  /** The process that an operator named by its number, to look at. Throws Failure `PROCESS_NOT_FOUND`. */
  examine(pid: number): Hold;
  /** As seen at the first look, while it is still the same process (attack B3). */
  sharesNamespaces(process: TrackedProcess): boolean;
  describe(): PlatformFacts;
  readonly launches: Launches;
  /** What detectors ask; nobody who wants an identity waits for it. */
  readonly background: Pick<BackgroundLooks, 'look'>;
  /** Idempotent. Ends every process handle. */
  close(): Promise<void>;
}

/** Looks wait for nothing but the kernel, and who makes one wait there is found by that; the deadline is for a machine under full load. */
const LOOKS = {
  atOnce: 2,
  warm: 1,
  deadlineMs: 10_000,
  patienceMs: 250,
  penaltyMs: 10_000,
  waitingPerOwner: 1_024,
  waiting: 20_000,
};
/** Files: a cold disk may take its time. */
const FILES = { atOnce: 2, warm: 0, deadlineMs: 10_000, penaltyMs: 1_000, waitingPerOwner: 16, waiting: 128 };
/**
 * For detectors: a helper of their own, one job at a time, that stands back behind everybody else. Started while the daemon
 * is small: a fork copies the page tables of its memory, 60 ms for 800 MB on the bench's machine.
 */
const BACKGROUND = { ...LOOKS, atOnce: 1, niceness: 10, waitingPerOwner: 64, waiting: 512 };
const CONNECTIONS = 20_000;
const LAUNCHES: LaunchLimits = { perUid: 512, total: 4_096, execWithinMs: 10_000 };
/** Listeners, database, epolls, pipes, one look. */
const OWN_DESCRIPTORS = 128;

export async function preparePeerPlatform(options: PlatformOptions): Promise<PeerPlatform> {
  checkProc();
  const platform = new Platform(options);
  platform.warn();
  return platform;
}

class Platform implements PeerPlatform {
  readonly #options: PlatformOptions;
  readonly #source: PidfdSource;
  readonly #overflow = { uid: overflowId('uid'), gid: overflowId('gid') };
  readonly #namespaces = ownNamespaces();
  readonly #cgroups: CgroupMounts = cgroupMounts();
  readonly #subuids = new SubuidOwners();
  readonly #looks: FileHelpers;
  readonly #local: FileHelpers;
  readonly #served: FileHelpers;
  readonly #aside: FileHelpers;
  readonly #sweeper: Sweeper;
  readonly #watcher: Watcher;
  readonly #table: ProcessTable;
  readonly launches: Launches;
  readonly background: BackgroundLooks;
  #closing: Promise<void> | undefined;

  constructor(options: PlatformOptions) {
    const { clock, log, connector = true, connectorBytes } = options;
    this.#options = options;
    this.#source = options.peerPidfd === false ? 'by-number' : decidePidfdSource();
    this.#looks = new FileHelpers({ clock, ...LOOKS });
    const files = { clock, ...FILES, deadlineMs: options.fileDeadlineMs ?? FILES.deadlineMs };
    this.#local = new FileHelpers(files);
    this.#served = new FileHelpers(files);
    this.#aside = new FileHelpers({ clock, ...BACKGROUND, warm: options.background === true ? 1 : 0 });
    this.background = new BackgroundLooks(this.#aside, (process) => this.#table.recordOf(process));
    this.#sweeper = new Sweeper(log);
    const execed = (event: ExecEvent): void => this.launches.heard(event);
    this.#watcher = new Watcher({ log, connector, connectorBytes, sweeper: this.#sweeper, execed });
    const reading = {
      ownMountNamespace: this.#namespaces.mnt,
      local: this.#local,
      served: this.#served,
      mounts: new Mounts(),
      cache: new DigestCache(clock),
      mostBytes: options.digestFileBytes,
    };
    const rooms: ProcessRooms = {
      executables: new ExecutableLooks(reading),
      scripts: new ScriptLooks({ ...reading, looks: this.#looks }),
      looks: this.#looks,
      hear: () => this.#watcher.hear(),
      reportsExecs: () => this.#watcher.connectorAbsent === undefined,
      overflowGid: this.#overflow.gid,
      cgroupMounts: this.#cgroups,
      watchCgroup: (process) => this.#watcher.cgroupAsked(process),
    };
    const place = (process: TrackedProcess): void => this.#place(process);
    this.#table = new ProcessTable(this.#source, this.#overflow, rooms, this.#watcher, place);
    this.launches = new Launches({
      table: this.#table,
      looks: this.#looks,
      cgroups: this.#cgroups,
      limits: options.launches ?? LAUNCHES,
      ownUid: process.geteuid?.() ?? 0,
      clock,
      random: options.random ?? systemRandom,
      log,
    });
  }

  admit(socketFd: number): Hold {
    return this.#table.admit(socketFd);
  }

  examine(pid: number): Hold {
    return this.#table.examine(pid);
  }

  sharesNamespaces(process: TrackedProcess): boolean {
    return process.stillSame().same && shareNamespaces(this.#namespaces, process.namespaces);
  }

  describe(): PlatformFacts {
    const { connections = CONNECTIONS, launches } = this.#options;
    return {
      kernel: release(),
      peerPidfd: this.#source === 'kernel',
      connectorAbsent: this.#watcher.connectorAbsent,
      readsOtherUids: mayLookAtOthers(),
      allIdsMapped: this.#overflow.uid === undefined && this.#overflow.gid === undefined,
      descriptorLimit: descriptorLimit(),
      // One for the connection, one for the process if each has its own; two for a launch.
      descriptorsNeeded: (connections + (launches?.total ?? 0)) * 2 + OWN_DESCRIPTORS,
      processes: this.#table.size,
    };
  }

  warn(): void {
    const { log } = this.#options;
    const { peerPidfd, kernel, descriptorLimit: limit, descriptorsNeeded, allIdsMapped } = this.describe();
    if (!peerPidfd) log.warn({ kernel }, 'no SO_PEERPIDFD before Linux 6.5: every caller is marked weak');
    if (!allIdsMapped) log.warn({}, 'not every id is mapped here: callers with unmapped ids are refused');
    if (limit < descriptorsNeeded) {
      log.warn({ limit, descriptorsNeeded }, 'the limit on open files is below what the connections allowed may need');
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.launches.close();
    this.#table.close();
    const parts = [this.#watcher, this.#sweeper, this.#looks, this.#local, this.#served, this.#aside];
    await Promise.all(parts.map((part) => part.close()));
  }

  /** Whom a newcomer counts for. A caller that cannot be placed is not admitted. */
  #place(process: TrackedProcess): void {
    const cgroup = countedCgroup(process.firstCgroups, this.#cgroups);
    setCeilingSubject(process, { owner: this.#subuids.ownerOf(process.uid), cgroup });
  }
}
