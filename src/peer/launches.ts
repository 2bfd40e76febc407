// SPDX-License-Identifier: Apache-2.0
/**
 * All launches, by the process that each is. A launch is made for the peer of a connection, never for a number that
 * somebody said (attack A12), and lasts until it ends or the daemon does: nothing of it is stored.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Ceilings } from './ceilings.ts';
import type { CgroupMounts } from './cgroup-owner.ts';
import type { FileReader } from './file-jobs.ts';
import { Launch } from './launch.ts';
import { LaunchFolder } from './launch-folder.ts';
import type { LaunchEnd, LaunchFacts, LaunchTerms, NotLaunched } from './launch-terms.ts';
import type { ExecEvent } from './proc-connector.ts';
import { ProcessGone } from './proc-look.ts';
import { processGone } from './process.ts';
import type { ProcessHandle } from './process-handle.ts';
import type { ProcessTable } from './process-table.ts';
import { lookAtStarted } from './started-program.ts';
import { programAmong } from './trusted-program.ts';

export interface LaunchLimits {
  readonly perUid: number;
  readonly total: number;
  /** For the exec after the answer. */
  readonly execWithinMs: number;
}

export interface LaunchesOptions {
  readonly table: Pick<ProcessTable, 'again' | 'take'>;
  readonly looks: FileReader;
  readonly cgroups: CgroupMounts;
  readonly limits: LaunchLimits;
  readonly ownUid: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface BoundLaunch {
  readonly id: string;
  readonly execWithinMs: number;
  /** The launcher's connection has closed, as an exec closes it: a hint to look, and no more. */
  connectionClosed(): void;
}

/** What the launcher's attestor asks. */
export interface LaunchDirectory {
  launchOf(process: ProcessHandle, signal: AbortSignal): Promise<LaunchFacts | NotLaunched>;
  /** Calls with the id of each launch that began, changed or ended. Returns the undo. */
  onChange(listener: (id: string) => void): () => void;
}

const never = new AbortController().signal;

interface Row {
  readonly launch: Launch;
  folder: LaunchFolder | undefined;
}

export class Launches implements LaunchDirectory {
  readonly #options: LaunchesOptions;
  readonly #ceilings: Ceilings;
  readonly #byPid = new Map<number, Row>();
  readonly #byFolder = new Map<string, Row>();
  readonly #listeners = new Set<(id: string) => void>();
  readonly #removals = new Set<Promise<void>>();
  #closed = false;

  constructor(options: LaunchesOptions) {
    this.#options = options;
    const { perUid, total } = options.limits;
    const { ownUid } = options;
    this.#ceilings = new Ceilings({ what: 'launches', perUid, perCgroup: total, total, reserved: 0, ownUid });
  }

  get size(): number {
    return this.#byPid.size;
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The kernel reports an exec. */
  heard(event: ExecEvent): void {
    this.#byPid.get(event.pid)?.launch.heard(event);
  }

  /**
   * Binds the process behind this connection. It is watched when this resolves, and waits for its exec. Rejects with a
   * Failure, and then nothing is bound.
   */
  async bind(process: ProcessHandle, terms: LaunchTerms): Promise<BoundLaunch> {
    const row = this.#enter(process, terms);
    const { launch } = row;
    try {
      if (terms.children) await this.#makeFolder(row);
      // guard: A12 test/peer/launch.test.ts — what it became while it was being bound, nobody agreed to
      if (!process.stillSame().same || launch.ended) throw processGone('it ended, or started a program, too early');
      launch.arm();
    } catch (error) {
      launch.end('refused', 'it could not be bound');
      throw error instanceof ProcessGone ? processGone('exited', error) : error;
    }
    const connectionClosed = (): void => void launch.caughtUp(never).catch(() => undefined);
    return { id: launch.id, execWithinMs: this.#options.limits.execWithinMs, connectionClosed };
  }

  async launchOf(process: ProcessHandle, signal: AbortSignal): Promise<LaunchFacts | NotLaunched> {
    const own = this.#byPid.get(process.pid);
    const facts = await own?.launch.factsFor(process, signal);
    if (facts !== undefined) return facts;
    if (this.#byFolder.size > 0) return this.#childFacts(process, signal);
    return own === undefined ? { reason: NOT_STARTED } : idle(own.launch);
  }

  /** Idempotent. Ends all. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { launch } of [...this.#byPid.values()]) launch.end('stopping', 'the daemon stops');
    await Promise.all(this.#removals);
  }

  #enter(process: ProcessHandle, terms: LaunchTerms): Row {
    if (this.#closed) throw new Failure('unavailable', 'DAEMON_STOPPING', 'the daemon is stopping');
    // One that binds anew gives up what it was; it is its own to give up.
    this.#byPid.get(process.pid)?.launch.end('replaced', 'the same process was bound again');
    const lease = this.#ceilings.acquire({ process });
    // guard: I9 test/peer/launch.test.ts
    if (lease instanceof Failure) throw lease;
    const hold = this.#options.table.again(process);
    if (hold === undefined) {
      lease.release();
      throw processGone('connection closed');
    }
    const id = this.#options.random.bytes(16).toString('hex');
    const launch: Launch = new Launch(id, hold, terms, {
      table: this.#options.table,
      clock: this.#options.clock,
      execWithinMs: this.#options.limits.execWithinMs,
      lookAtStarted: (started, counted, signal) => lookAtStarted(started, terms, counted, this.#options.looks, signal),
      changed: () => this.#tell(launch),
      ended: (end, why) => {
        lease.release();
        this.#ended(row, end, why);
      },
    });
    const row: Row = { launch, folder: undefined };
    this.#byPid.set(launch.pid, row);
    return row;
  }

  async #makeFolder(row: Row): Promise<void> {
    const { cgroups, log } = this.#options;
    const folder = await LaunchFolder.make(row.launch, `assay-launch-${row.launch.id}`, cgroups, log);
    row.folder = folder;
    this.#byFolder.set(folder.name, row);
    // It ended meanwhile, when there was nothing to remove yet.
    if (row.launch.ended) this.#remove(row);
  }

  /** The launch in whose folder it stands, the innermost one where they are nested. */
  async #childFacts(process: ProcessHandle, signal: AbortSignal): Promise<LaunchFacts | NotLaunched> {
    const isFolder = (path: string): boolean => this.#byFolder.has(path.slice(path.lastIndexOf('/') + 1));
    // Whoever is in no such folder is not watched for being moved.
    if (!(await process.withinRootOwnedCgroup(isFolder)).within) return { reason: NOT_STARTED };
    const memberships = await process.cgroups();
    const names = memberships.flatMap(({ path }) => path.split('/')).filter((name) => this.#byFolder.has(name));
    const row = this.#byFolder.get(names.at(-1) ?? '');
    if (row?.folder === undefined) return { reason: NOT_STARTED };
    const relation = row.folder.holds(memberships);
    // guard: A12, A10 test/peer/launch-children.test.ts — a name in the tree is a hint
    if (!relation.within) return { reason: `it is no child of a launched program: ${relation.reason}` };
    const { id, terms, uid, pid } = row.launch;
    if (process.pid === pid) return idle(row.launch);
    // guard: A12 test/peer/launch-children.test.ts
    if (process.uid !== uid && !terms.allowUidChange)
      return { reason: `it is the child of a launched program and runs as another uid, ${process.uid}` };
    const other = await otherProgram(process, terms, signal);
    // guard: A12 test/peer/launch-children.test.ts
    if (other !== undefined) return { reason: `it is the child of a launched program: ${other}` };
    const facts = await row.launch.factsForChild(signal);
    return facts ?? { id, reason: `of the process that started it: ${row.launch.idleBecause}` };
  }

  #tell({ id }: Launch): void {
    for (const listener of [...this.#listeners]) listener(id);
  }

  #ended(row: Row, end: LaunchEnd, why: string): void {
    const { launch } = row;
    if (this.#byPid.get(launch.pid) === row) this.#byPid.delete(launch.pid);
    const { id, pid, uid, terms } = launch;
    this.#options.log.info({ launch: id, pid, uid, spiffeId: terms.spiffeId, end, why }, 'a launch has ended');
    this.#remove(row);
    this.#tell(launch);
  }

  #remove({ folder }: Row): void {
    if (folder === undefined || !this.#byFolder.delete(folder.name)) return;
    const removal = folder.remove().finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}

const NOT_STARTED = 'it was not started by the launcher';

const idle = ({ id, idleBecause: reason }: Launch): NotLaunched => ({ id, reason });

async function otherProgram(
  process: ProcessHandle,
  { programs }: LaunchTerms,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (programs === undefined) return undefined;
  const exe = await process.exe(signal);
  const among = exe.readable ? await programAmong(programs, exe) : exe;
  return 'reason' in among ? among.reason : undefined;
}
