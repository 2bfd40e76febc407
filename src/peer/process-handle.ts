// SPDX-License-Identifier: Apache-2.0
/**
 * What the rest of the daemon may know of a process: a handle made by `peer/` from a connection's kernel
 * credentials, never from a number somebody said. All looks are proven under a live pidfd (attack A4);
 * attestors open nothing of a process themselves.
 */
export interface ProcessStatus {
  /** Effective ids of the thread-group leader, as the kernel prints them (proc(5), `Uid:` and `Gid:`, second value). */
  readonly uid: number;
  readonly gid: number;
  /** The `Groups:` line, in kernel order. */
  readonly groups: readonly number[];
}

/** Not readable, ambiguous or unsafe to read: not an error, but a stated reason in words for an operator. */
export interface Unreadable {
  readonly readable: false;
  readonly reason: string;
}

export interface Executable {
  readonly readable: true;
  /** Absent when the link is ambiguous (attack A6); then `pathReason` says why. */
  readonly path: string | undefined;
  readonly pathReason: string | undefined;
  /** Where the workload's own mount namespace has it, when that is not the daemon's; else absent. Its owner chose the name. */
  readonly containerPath: string | undefined;
  readonly device: bigint;
  readonly inode: bigint;
  readonly mountId: bigint;
  readonly birthTimeNs: bigint;
}

export interface Digest {
  readonly readable: true;
  /** Lower-case hex, 64 characters. */
  readonly sha256: string;
}

/** What an interpreter runs, by what the process says of itself: never more than *claimed*. */
export interface Script {
  readonly readable: true;
  /** The very file, seen from the daemon, without links. */
  readonly path: string;
}

export interface CgroupMembership {
  /** 0 for the unified hierarchy. */
  readonly hierarchy: number;
  /** Controllers or `name=systemd`; empty for the unified hierarchy. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** Where a process stands beside another one in the cgroup tree. */
export type CgroupRelation =
  /** `path`: of the cgroup that holds both, as the daemon's own namespace names it. */
  | { readonly within: true; readonly path: string }
  /** In words for an operator. `unverifiable`: it may well be, but nobody here can be asked who made the folders. */
  | { readonly within: false; readonly reason: string; readonly unverifiable?: true };

export type EndReason =
  | 'exited'
  | 'exec'
  | 'credentials-changed'
  | 'executable-changed'
  /** Somebody moved it, after an attestor had asked where it is. */
  | 'cgroup-changed'
  | 'unreadable';

export type SameVerdict = { readonly same: true } | { readonly same: false; readonly reason: EndReason };

export interface ProcessHandle {
  /** Peer credentials as the kernel recorded them at connect. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Start time in clock ticks since boot (proc(5), field 22). */
  readonly startTime: bigint;
  /** True below Linux 6.5, where the kernel gives no pidfd for a peer; every issuance then carries the mark. */
  readonly weak: boolean;
  /** Names this process uniquely within the life of the daemon. Safe to log. */
  readonly key: string;

  /** Rejects with Failure('unavailable', 'PROCESS_GONE') when the process is no longer the one that connected. */
  status(): Promise<ProcessStatus>;
  exe(signal: AbortSignal): Promise<Executable | Unreadable>;
  /** SHA-256 of the executable's content, read in a killable helper (attack A11). */
  digest(signal: AbortSignal): Promise<Digest | Unreadable>;
  /** The script that the process names on its interpreter's command line, found in a killable helper (attack A11). */
  script(signal: AbortSignal): Promise<Script | Unreadable>;
  /** SHA-256 of its content. */
  scriptDigest(signal: AbortSignal): Promise<Digest | Unreadable>;
  /** From the first call on, this or `withinCgroupOf`, a process that is moved to another cgroup is no longer the same. */
  cgroups(): Promise<readonly CgroupMembership[]>;
  /**
   * Is the process in the cgroup of `leader`, or below it (attack A10)? `leader` is a pid of the daemon's pid namespace that
   * an authority named, such as a container's first process. A name in the tree is only a hint: `isNamed` says whether a path
   * is what the authority would call it, and each folder down to it must be root's, outside any `user@*.service`. An
   * `authority` other than root (the uid of a rootless engine) is heard only on what lies below its own `user@UID.service`.
   */
  withinCgroupOf(leader: number, isNamed: (path: string) => boolean, authority?: number): Promise<CgroupRelation>;
  /**
   * Is the process in a cgroup of a path that `isNamed` accepts, or below one, each folder down to it root's and outside any
   * `user@*.service` (attack A10)? The outermost counts. It proves that nobody but root gave the cgroup its name, not that
   * an authority did: so `isNamed` must accept only paths where root alone makes folders, from the top of the tree. It is a look
   * and no more: whoever rests on the answer asks `cgroups` as well, from which on a move ends the process.
   */
  withinRootOwnedCgroup(isNamed: (path: string) => boolean): Promise<CgroupRelation>;
  /** Looks now, synchronously and cheaply: pidfd, uid, gid and groups, no exec seen, the cgroup once it was asked for. */
  stillSame(): SameVerdict;
  /** Calls once when an exit, exec or change of credentials or cgroup is seen; at once if already seen. Returns the undo. */
  onEnd(listener: (reason: EndReason) => void): () => void;
}
