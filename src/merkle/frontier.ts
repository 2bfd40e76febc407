// SPDX-License-Identifier: Apache-2.0
/**
 * The right edge of a growing tree: one hash for each bit of its size, that of the perfect subtree of as many leaves. It
 * is all that is needed to add a leaf and to know the root.
 */
import { EMPTY_ROOT, nodeHash } from './hash.ts';

/** A perfect subtree that a leaf has completed: the leaves `index * 2^level` up to `(index + 1) * 2^level`. */
export interface Completed {
  readonly level: number;
  readonly index: number;
  readonly hash: Buffer;
}

export class Frontier {
  #size: number;
  /** By level; what is at a level whose bit in `size` is 0 means nothing. */
  readonly #hashes: Buffer[];

  /** `subtree(level, index)`: the hash of a perfect subtree that is there. */
  static at(size: number, subtree: (level: number, index: number) => Buffer): Frontier {
    const hashes: Buffer[] = [];
    for (let level = 0, rest = size; rest > 0; level += 1, rest = Math.floor(rest / 2))
      if (rest % 2 === 1) hashes[level] = subtree(level, rest - 1);
    return new Frontier(size, hashes);
  }

  private constructor(size: number, hashes: Buffer[]) {
    this.#size = size;
    this.#hashes = hashes;
  }

  /** Leaves. */
  get size(): number {
    return this.#size;
  }

  copy(): Frontier {
    return new Frontier(this.#size, [...this.#hashes]);
  }

  /** `completed` is told of each perfect subtree of two leaves or more that this leaf completes, the smallest first. */
  append(leaf: Buffer, completed?: (subtree: Completed) => void): void {
    let hash = leaf;
    let level = 0;
    let index = this.#size;
    while (index % 2 === 1) {
      hash = nodeHash(this.#hashes[level] as Buffer, hash);
      level += 1;
      index = (index - 1) / 2;
      completed?.({ level, index, hash });
    }
    this.#hashes[level] = hash;
    this.#size += 1;
  }

  root(): Buffer {
    let root: Buffer | undefined;
    for (let level = 0, rest = this.#size; rest > 0; level += 1, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      const hash = this.#hashes[level] as Buffer;
      root = root === undefined ? hash : nodeHash(hash, root);
    }
    return root ?? EMPTY_ROOT;
  }
}
