// SPDX-License-Identifier: Apache-2.0
/**
 * One process that has connected: the pidfd it is known by, the baseline it is compared with, and who wants to hear of
 * its end. Made and owned by `ProcessTable`, shared by all connections of the process.
 *
 * It is entered synchronously with what can be read without waiting (credentials, cgroup); the rest of the first look
 * comes from a helper before anyone gets the handle (attack A11).
 */
import { Failure } from '../lib/failure.ts';
import { type Baseline, type Credentials, credentialsOf, difference, sameCredentials } from './baseline.ts';
import { ceilingSubject } from './ceilings.ts';
import type { CgroupMounts } from './cgroup-owner.ts';
import { cgroupRelation } from './cgroup-relation.ts';
import { cgroupsIn, cgroupsOf, cgroupText, readCgroups } from './cgroup-text.ts';
import type { PeerCredentials } from './credentials.ts';
import type { ExecutableLooks } from './executable.ts';
import type { FileReader } from './file-jobs.ts';
import type { Look, Namespaces } from './look.ts';
import { isReadable } from './native.ts';
import type { OwnedFd } from './owned-fd.ts';
import { lookAt, ProcessGone, type SafeFolder } from './proc-look.ts';
import { parseStatus } from './proc-text.ts';
import type {
  CgroupMembership,
  CgroupRelation,
  Digest,
  EndReason,
  Executable,
  ProcessHandle,
  ProcessStatus,
  SameVerdict,
  Script,
  Unreadable,
} from './process-handle.ts';
import { rootOwnedCgroup } from './root-owned-cgroup.ts';
import type { ScriptLooks } from './script.ts';
import { lookFailed } from './unanswered.ts';

/** What a process needs from the platform it lives on. */
export interface ProcessRooms {
  readonly executables: ExecutableLooks;
  readonly scripts: ScriptLooks;
  readonly looks: FileReader;
  /** Takes in what the kernel has reported up to now. */
  readonly hear: () => void;
  /** The kernel reports execs; otherwise the sweep finds them, later. */
  readonly reportsExecs: () => boolean;
  /** Groups that read as this are unmapped and dropped (attack A9). */
  readonly overflowGid: number | undefined;
  readonly cgroupMounts: CgroupMounts;
  /** From now on somebody rests on the cgroup of this process. */
  readonly watchCgroup: (process: TrackedProcess) => void;
}

export class TrackedProcess implements ProcessHandle {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly weak: boolean;
  readonly key: string;
  /** Counts from 1; names the process to the watchers. */
  readonly serial: number;
  /** CLOCK_MONOTONIC in nanoseconds before the first look; later events concern what was seen then. */
  readonly enteredAt: bigint;
  readonly pidfd: OwnedFd;
  /** At connect. */
  readonly firstCgroups: readonly CgroupMembership[];
  readonly #rooms: ProcessRooms;
  readonly #credentials: Credentials;
  readonly #listeners = new Set<(reason: EndReason) => void>();
  #first: Look | undefined;
  #cgroup: string | undefined;
  #end: EndReason | undefined;

  /** Throws ProcessGone or a Failure when the process is not the one that connected. */
  constructor(peer: PeerCredentials, serial: number, rooms: ProcessRooms) {
    this.pid = peer.pid;
    this.uid = peer.uid;
    this.gid = peer.gid;
    this.weak = peer.weak;
    this.pidfd = peer.pidfd;
    this.serial = serial;
    this.key = `${this.pid}.${serial}`;
    this.#rooms = rooms;
    this.enteredAt = process.hrtime.bigint();
    [this.#credentials, this.firstCgroups] = lookAt(this.pidfd, this.pid, (folder) => [
      credentialsOf(folder.text('status')),
      readCgroups(folder),
    ]);
    const { uid, gid } = this.#credentials;
    // guard: A2 test/peer/still-same.test.ts — the credentials at connect are those the process has now
    if (uid !== peer.uid || gid !== peer.gid) throw credentialsDiffer(peer, this.#credentials);
  }

  get ended(): EndReason | undefined {
    return this.#end;
  }

  get startTime(): bigint {
    if (this.#first === undefined) throw new Error('the process has not been looked at yet');
    return this.#first.baseline.startTime;
  }

  /** Undefined until the first look is done. */
  get baseline(): Baseline | undefined {
    return this.#first?.baseline;
  }

  /** At the first look. */
  get namespaces(): Namespaces | undefined {
    return this.#first?.namespaces;
  }

  /** The text of /proc/PID/cgroup when it was first asked for; undefined while nobody has. */
  get cgroup(): string | undefined {
    return this.#cgroup;
  }

  /** Takes the first look; before it settles nobody may have the handle. */
  async settle(signal: AbortSignal): Promise<void> {
    this.#first = await this.takeLook(signal);
  }

  async status(): Promise<ProcessStatus> {
    const status = this.#read((folder) => parseStatus(folder.text('status')));
    // guard: A9 test/peer/overflow-ids.test.ts
    return { ...status, groups: status.groups.filter((gid) => gid !== this.#rooms.overflowGid) };
  }

  exe(signal: AbortSignal): Promise<Executable | Unreadable> {
    return this.#rooms.executables.exe(this, signal);
  }

  digest(signal: AbortSignal): Promise<Digest | Unreadable> {
    return this.#rooms.executables.digest(this, signal);
  }

  script(signal: AbortSignal): Promise<Script | Unreadable> {
    return this.#rooms.scripts.place(this, signal);
  }

  scriptDigest(signal: AbortSignal): Promise<Digest | Unreadable> {
    return this.#rooms.scripts.digest(this, signal);
  }

  async cgroups(): Promise<readonly CgroupMembership[]> {
    return this.#ownCgroups();
  }

  async withinCgroupOf(
    leader: number,
    isNamed: (path: string) => boolean,
    authority?: number,
  ): Promise<CgroupRelation> {
    const theirs = cgroupsOf(leader);
    if (theirs === undefined) return { within: false, reason: `the process ${leader} named as its first one is gone` };
    return cgroupRelation(this.#ownCgroups(), theirs, isNamed, this.#rooms.cgroupMounts, authority);
  }

  async withinRootOwnedCgroup(isNamed: (path: string) => boolean): Promise<CgroupRelation> {
    return rootOwnedCgroup(this.#read(readCgroups), isNamed, this.#rooms.cgroupMounts);
  }

  stillSame(): SameVerdict {
    const reason = this.#end ?? this.#compare();
    if (reason === undefined) return { same: true };
    this.end(reason);
    return { same: false, reason };
  }

  onEnd(listener: (reason: EndReason) => void): () => void {
    if (this.#end !== undefined) {
      listener(this.#end);
      return () => undefined;
    }
    // One entry a call, so that the same function given twice is undone once each.
    const own = (reason: EndReason): void => listener(reason);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** The first reason stands. Listeners run in a microtask, so that whoever looks is not re-entered. */
  end(reason: EndReason): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    queueMicrotask(() => {
      for (const listener of [...this.#listeners]) {
        if (this.#listeners.delete(listener)) listener(reason);
      }
    });
  }

  /** A whole look by a helper, proven and compared with the first. Failure `PROCESS_GONE` when it is another process. */
  async takeLook(signal: AbortSignal): Promise<Look> {
    this.#checkHeld();
    const job = { kind: 'look', pid: this.pid } as const;
    const answer = await this.#rooms.looks.run(ceilingSubject(this), job, signal);
    if (answer.kind !== 'look' && answer.kind !== 'gone') throw lookFailed(answer);
    // guard: A4 test/peer/process.test.ts — the pidfd named the number before, and names a living process after
    this.checkAlive();
    if (answer.kind === 'gone') throw this.#gone('exited');
    const first = this.#first?.baseline ?? { ...answer.look.baseline, ...this.#credentials, imageGone: false };
    const changed = difference(first, answer.look.baseline);
    // guard: A5 test/peer/still-same.test.ts
    if (changed !== undefined) throw this.#gone(changed);
    return answer.look;
  }

  /** The first look, where it still holds for certain because the kernel reports every exec; a new one elsewhere. */
  lookAgain(signal: AbortSignal): Promise<Look> {
    if (this.#first === undefined || !this.#rooms.reportsExecs()) return this.takeLook(signal);
    this.checkAlive();
    return Promise.resolve(this.#first);
  }

  /** Throws `PROCESS_GONE` unless the process lives, is held, and nothing was reported of it. */
  checkAlive(): void {
    this.#rooms.hear();
    this.#checkHeld();
    if (isReadable(this.pidfd.number)) throw this.#gone('exited');
  }

  /** What an attestor rests on, and from then on the same text (attack A10: whoever may write cgroups moves processes). */
  #ownCgroups(): readonly CgroupMembership[] {
    const text = this.#read(cgroupText);
    // guard: A10 test/peer/cgroup-change.test.ts
    if (this.#cgroup !== undefined && text !== this.#cgroup) throw this.#gone('cgroup-changed');
    const memberships = cgroupsIn(text);
    if (this.#cgroup === undefined) {
      this.#cgroup = text;
      this.#rooms.watchCgroup(this);
    }
    return memberships;
  }

  /** A proven read on the main loop (attack A4). */
  #read<T>(read: (folder: SafeFolder) => T): T {
    this.#checkHeld();
    try {
      return lookAt(this.pidfd, this.pid, read);
    } catch (error) {
      if (!(error instanceof ProcessGone)) throw error;
      throw this.#gone('exited', error);
    }
  }

  #checkHeld(): void {
    // guard: A2 test/peer/still-same.test.ts
    if (this.#end !== undefined || this.pidfd.closed) throw processGone(this.#end ?? 'connection closed');
  }

  #gone(reason: EndReason, cause?: unknown): Failure {
    this.end(reason);
    return processGone(reason, cause);
  }

  #compare(): EndReason | undefined {
    if (this.pidfd.closed) return 'unreadable';
    // guard: A5 test/peer/still-same.test.ts — an exec up to this moment
    this.#rooms.hear();
    if (this.#end !== undefined) return this.#end;
    try {
      const [now, cgroup] = lookAt(this.pidfd, this.pid, (folder) => [
        credentialsOf(folder.text('status')),
        this.#cgroup === undefined ? undefined : folder.text('cgroup'),
      ]);
      // guard: A2 test/peer/still-same.test.ts — setuid, setgid, setgroups
      if (!sameCredentials(this.#credentials, now)) return 'credentials-changed';
      // guard: A10 test/peer/cgroup-change.test.ts
      if (cgroup !== this.#cgroup) return 'cgroup-changed';
      return undefined;
    } catch (error) {
      return error instanceof ProcessGone ? 'exited' : 'unreadable';
    }
  }
}

export function processGone(reason: string, cause?: unknown): Failure {
  return new Failure(
    'unavailable',
    'PROCESS_GONE',
    `the calling process is no longer the one that connected: ${reason}`,
    {
      hint: 'connect again',
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

function credentialsDiffer(peer: PeerCredentials, now: Credentials): Failure {
  return new Failure(
    'permission-denied',
    'PEER_CHANGED',
    `connection refused: uid ${peer.uid} gid ${peer.gid} connected, but the process now runs as uid ${now.uid} gid ${now.gid}`,
    { hint: 'connect after changing user and group, from the main thread’s identity' },
  );
}
