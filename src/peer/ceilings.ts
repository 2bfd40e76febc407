// SPDX-License-Identifier: Apache-2.0
/**
 * How many of something (connections, streams) one caller may hold (I9): per uid, per owner of a subuid range (attack
 * A9: one user with subuids has 65,536 uids), per cgroup that the caller did not make, and in all, with a reserve for
 * root and the daemon's own uid. Every refusal names the ceiling.
 */
import { Failure } from '../lib/failure.ts';
import type { Peer } from './peer.ts';
import type { ProcessHandle } from './process-handle.ts';

/** Whom a caller counts for. */
export interface CeilingSubject {
  /** The user whose subuid range holds the caller's uid; the uid itself otherwise. */
  readonly owner: number;
  /** The deepest cgroup above the caller that only root can make; undefined when there is none but the root. */
  readonly cgroup: string | undefined;
}

export interface CeilingLimits {
  /** Of what, in the plural; for messages. */
  readonly what: string;
  readonly perUid: number;
  readonly perCgroup: number;
  readonly total: number;
  /** Of `total`, kept for root and the daemon's own uid. */
  readonly reserved: number;
  /** The daemon's uid. */
  readonly ownUid: number;
}

export interface Lease {
  /** Idempotent. */
  release(): void;
}

/** What the listener asks. */
export interface ConnectionCeilings {
  acquire(peer: Pick<Peer, 'process'>): Lease | Failure;
}

const subjects = new WeakMap<ProcessHandle, CeilingSubject>();

/** Written once, by the table, when a process is entered. */
export function setCeilingSubject(process: ProcessHandle, subject: CeilingSubject): void {
  subjects.set(process, subject);
}

export function ceilingSubject(process: ProcessHandle): CeilingSubject {
  return subjects.get(process) ?? { owner: process.uid, cgroup: undefined };
}

/**
 * Whom a flood is laid to: the owner of the uid; for root, whose uid most containers share, the cgroup that root made for
 * this one as well.
 */
export function tenantOf(process: ProcessHandle): string {
  const { owner, cgroup } = ceilingSubject(process);
  return owner === 0 ? `0 ${cgroup ?? ''}` : String(owner);
}

export class Ceilings implements ConnectionCeilings {
  readonly #limits: CeilingLimits;
  readonly #byUid = new Map<number, number>();
  readonly #byOwner = new Map<number, number>();
  readonly #byCgroup = new Map<string, number>();
  #total = 0;

  constructor(limits: CeilingLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  acquire(peer: Pick<Peer, 'process'>): Lease | Failure {
    const { uid } = peer.process;
    const { owner, cgroup } = ceilingSubject(peer.process);
    const refused = this.#refusal(uid, owner, cgroup);
    if (refused !== undefined) return refused;
    this.#count(uid, owner, cgroup, 1);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#count(uid, owner, cgroup, -1);
    };
    return { release };
  }

  #refusal(uid: number, owner: number, cgroup: string | undefined): Failure | undefined {
    const { what, perUid, perCgroup, total, reserved, ownUid } = this.#limits;
    const preferred = uid === 0 || uid === ownUid;
    // guard: I9 test/peer/ceilings.test.ts
    if (held(this.#byUid, uid) >= perUid) return full(`${what} of uid ${uid}`, perUid);
    // guard: A9 test/peer/ceilings.test.ts
    if (held(this.#byOwner, owner) >= perUid) return full(`${what} of uid ${owner} and its subuids`, perUid);
    // guard: I9 test/peer/ceilings.test.ts
    if (cgroup !== undefined && held(this.#byCgroup, cgroup) >= perCgroup)
      return full(`${what} of cgroup ${cgroup}`, perCgroup);
    // guard: I9 test/peer/ceilings.test.ts
    if (!preferred && this.#total >= total - reserved) return full(`${what} in all but the reserve`, total - reserved);
    // guard: I9 test/peer/ceilings.test.ts
    if (this.#total >= total) return full(`${what} in all`, total);
    return undefined;
  }

  #count(uid: number, owner: number, cgroup: string | undefined, by: 1 | -1): void {
    this.#total += by;
    add(this.#byUid, uid, by);
    add(this.#byOwner, owner, by);
    if (cgroup !== undefined) add(this.#byCgroup, cgroup, by);
  }
}

function held<K>(counts: ReadonlyMap<K, number>, key: K): number {
  return counts.get(key) ?? 0;
}

/** Zero is not kept, or the map would grow with every uid ever seen. */
function add<K>(counts: Map<K, number>, key: K, by: 1 | -1): void {
  const count = held(counts, key) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function full(of: string, limit: number): Failure {
  return new Failure('resource-exhausted', 'CEILING_REACHED', `too many ${of}: the ceiling is ${limit}`, {
    value: String(limit),
    hint: 'close some, or raise the ceiling in the configuration (limits)',
  });
}
