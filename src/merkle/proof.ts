// SPDX-License-Identifier: Apache-2.0
/**
 * Proofs about a tree (RFC 9162 section 2.1.3 and 2.1.4): that a leaf is in it, and that a smaller tree is its beginning.
 * Made from the hashes of perfect subtrees, checked from the proof alone.
 */
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hash.ts';

/** The hash of the perfect subtree of the leaves `index * 2^level` up to `(index + 1) * 2^level`, all of which are there. */
export type Subtree = (level: number, index: number) => Buffer;

export function rootOf(size: number, subtree: Subtree): Buffer {
  return size === 0 ? EMPTY_ROOT : rangeHash(0, size, subtree);
}

/** PATH(index, D[size]), from the leaf upwards. Throws a RangeError where there is no such leaf. */
export function inclusionProof(index: number, size: number, subtree: Subtree): Buffer[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  return path(index, 0, size, subtree);
}

/** PROOF(from, D[to]). Empty where `from` is 0 or `to`. Throws a RangeError where `from` is larger. */
export function consistencyProof(from: number, to: number, subtree: Subtree): Buffer[] {
  if (!isCount(from) || !isCount(to) || from > to)
    throw new RangeError(`a tree of ${from} is no beginning of one of ${to}`);
  return from === 0 || from === to ? [] : subProof(from, 0, to, true, subtree);
}

/** RFC 9162 section 2.1.3.2. */
export function provesInclusion(opts: {
  readonly leaf: Buffer;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Buffer[];
  readonly root: Buffer;
}): boolean {
  const { leaf, index, size, proof, root } = opts;
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  // guard: B5 test/merkle/tree.test.ts — of a longer one what is too much would not be hashed
  if (![leaf, ...proof].every(isHash)) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const beside of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(beside, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else hash = nodeHash(hash, beside);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** RFC 9162 section 2.1.4.2. Of an empty tree every tree is a continuation. */
export function provesConsistency(opts: {
  readonly from: number;
  readonly fromRoot: Buffer;
  readonly to: number;
  readonly toRoot: Buffer;
  readonly proof: readonly Buffer[];
}): boolean {
  const { from, fromRoot, to, toRoot, proof } = opts;
  if (!isCount(from) || !isCount(to) || from > to) return false;
  // guard: B5 test/merkle/tree.test.ts
  if (![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === 0) return proof.length === 0 && fromRoot.equals(EMPTY_ROOT);
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot);
  const way = isPowerOfTwo(from) ? [fromRoot, ...proof] : [...proof];
  const first = way.shift();
  if (first === undefined) return false;
  let node = from - 1;
  let last = to - 1;
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let before = first;
  let after = first;
  for (const beside of way) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(beside, before);
      after = nodeHash(beside, after);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else after = nodeHash(after, beside);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && before.equals(fromRoot) && after.equals(toRoot);
}

/** MTH of the leaves `start` up to `end`, where `start` is a multiple of the largest power of two in the range. */
function rangeHash(start: number, end: number, subtree: Subtree): Buffer {
  const count = end - start;
  if (isPowerOfTwo(count)) return subtree(Math.log2(count), start / count);
  const left = largestPowerBelow(count);
  return nodeHash(rangeHash(start, start + left, subtree), rangeHash(start + left, end, subtree));
}

function path(index: number, start: number, end: number, subtree: Subtree): Buffer[] {
  const count = end - start;
  if (count === 1) return [];
  const middle = start + largestPowerBelow(count);
  return index < middle
    ? [...path(index, start, middle, subtree), rangeHash(middle, end, subtree)]
    : [...path(index, middle, end, subtree), rangeHash(start, middle, subtree)];
}

function subProof(from: number, start: number, end: number, whole: boolean, subtree: Subtree): Buffer[] {
  if (from === end) return whole ? [] : [rangeHash(start, end, subtree)];
  const middle = start + largestPowerBelow(end - start);
  return from <= middle
    ? [...subProof(from, start, middle, whole, subtree), rangeHash(middle, end, subtree)]
    : [...subProof(from, middle, end, false, subtree), rangeHash(start, middle, subtree)];
}

/** The largest power of two that is smaller than `count`, which is at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

function half(count: number): number {
  return Math.floor(count / 2);
}

function isHash(bytes: Buffer): boolean {
  return bytes.length === HASH_BYTES;
}

function isCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0;
}
