// SPDX-License-Identifier: Apache-2.0
/**
 * Digests already computed, by what the kernel says of the file (attack A8). Only for files whose every change shows in
 * those facts: on a disk of this machine, by a mount whose id is never reused, on a file system that keeps birth times,
 * and not changed in the last moments, when two writes may carry one time stamp.
 */
import type { Clock } from '../lib/clock.ts';
import type { FileFacts } from './statx.ts';

const MOST = 1_024;
/** Time stamps of most file systems step with the kernel's tick; ext3 and NFS servers keep whole seconds. */
const SETTLED_NS = 2_000_000_000n;

export class DigestCache {
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #digests = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(file: FileFacts, local: boolean): string | undefined {
    const key = this.#key(file, local);
    const digest = key === undefined ? undefined : this.#digests.get(key);
    if (key === undefined || digest === undefined) return undefined;
    this.#digests.delete(key);
    this.#digests.set(key, digest);
    return digest;
  }

  put(file: FileFacts, local: boolean, digest: string): void {
    const key = this.#key(file, local);
    if (key === undefined) return;
    this.#digests.set(key, digest);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > MOST && oldest !== undefined) this.#digests.delete(oldest);
  }

  #key(file: FileFacts, local: boolean): string | undefined {
    // guard: A8 test/peer/digest-cache.test.ts — FUSE, network and foreign mounts answer as their owner likes
    if (!local) return undefined;
    // guard: A8 test/peer/digest-cache.test.ts — inode numbers, and mount ids before Linux 6.8, are reused at once
    if (!file.mountIdUnique || file.birthTimeNs === 0n) return undefined;
    const now = BigInt(Math.trunc(this.#clock.now())) * 1_000_000n;
    const newest = file.changedNs > file.modifiedNs ? file.changedNs : file.modifiedNs;
    // guard: A8 test/peer/digest-cache.test.ts
    if (now - newest < SETTLED_NS) return undefined;
    const { device, inode, mountId, birthTimeNs, size, modifiedNs, changedNs } = file;
    return [device, inode, mountId, birthTimeNs, size, modifiedNs, changedNs].join('.');
  }
}
