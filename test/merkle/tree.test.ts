// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Frontier } from '../../src/merkle/frontier.ts';
import { EMPTY_ROOT, leafHash, nodeHash } from '../../src/merkle/hash.ts';
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
  rootOf,
  type Subtree,
} from '../../src/merkle/proof.ts';

/** Leaves and roots of the test data of the reference implementation of RFC 6962, whose tree RFC 9162 has kept. */
const LEAVES = ['', '\u0000', '\u0010', ' !', '01', '@ABC', 'PQRSTUVW', '`abcdefghijklmno'];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const MOST = 70;
const leaves = Array.from({ length: MOST }, (_, at) => leafHash(LEAVES[at] ?? `leaf ${at}`));

/** Straight from the definition, from the leaves alone. */
const subtree: Subtree = (level, index) =>
  level === 0 ? (leaves[index] as Buffer) : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));

function grown(size: number): Frontier {
  const frontier = Frontier.at(0, subtree);
  for (const leaf of leaves.slice(0, size)) frontier.append(leaf);
  return frontier;
}

const sizes = Array.from({ length: MOST + 1 }, (_, size) => size);
const changed = (hash: Buffer): Buffer => Buffer.from(hash.map((byte, at) => (at === 7 ? byte ^ 1 : byte)));

describe('the tree', () => {
  it('has the roots of the reference implementation', () => {
    expect(
      ROOTS.map((_, at) =>
        grown(at + 1)
          .root()
          .toString('hex'),
      ),
    ).toEqual(ROOTS);
    expect(grown(0).root()).toEqual(EMPTY_ROOT);
  });

  it('has one root, however it is come by', () => {
    for (const size of sizes) {
      expect(rootOf(size, subtree)).toEqual(grown(size).root());
      expect(Frontier.at(size, subtree).root()).toEqual(grown(size).root());
    }
  });

  it('goes on from a frontier taken up at any size', () => {
    for (const size of sizes) {
      const frontier = Frontier.at(size, subtree);
      for (const leaf of leaves.slice(size)) frontier.append(leaf);
      expect(frontier.root()).toEqual(grown(MOST).root());
    }
  });

  it('tells each perfect subtree once, when its last leaf is there', () => {
    const told: string[] = [];
    const frontier = Frontier.at(0, subtree);
    for (const leaf of leaves.slice(0, 8)) {
      frontier.append(leaf, ({ level, index, hash }) => {
        expect(hash).toEqual(subtree(level, index));
        told.push(`${frontier.size}: ${level}/${index}`);
      });
    }
    expect(told).toEqual(['1: 1/0', '3: 1/1', '3: 2/0', '5: 1/2', '7: 1/3', '7: 2/1', '7: 3/0']);
  });

  it('is not changed by what is done to a copy of its frontier', () => {
    const frontier = grown(5);
    frontier.copy().append(leafHash('else'));
    expect(frontier.root()).toEqual(grown(5).root());
  });
});

describe('a proof of inclusion', () => {
  it('holds for every leaf of every tree, and for no other leaf, place, size or root', () => {
    for (const size of sizes) {
      const root = grown(size).root();
      for (let index = 0; index < size; index += 1) {
        const leaf = leaves[index] as Buffer;
        const proof = inclusionProof(index, size, subtree);
        const good = { leaf, index, size, proof, root };
        expect(provesInclusion(good)).toBe(true);
        expect(provesInclusion({ ...good, leaf: changed(leaf) })).toBe(false);
        expect(provesInclusion({ ...good, root: changed(root) })).toBe(false);
        expect(provesInclusion({ ...good, index: index + 1 })).toBe(false);
        expect(provesInclusion({ ...good, proof: [...proof, leaf] })).toBe(false);
        for (const at of proof.keys()) {
          expect(provesInclusion({ ...good, proof: proof.with(at, changed(proof[at] as Buffer)) })).toBe(false);
          expect(provesInclusion({ ...good, proof: proof.toSpliced(at, 1) })).toBe(false);
        }
      }
    }
  });

  it.each([[-1], [0.5], [8], [Number.NaN], [2 ** 53]])('is none for leaf %d of 8', (index) => {
    expect(() => inclusionProof(index, 8, subtree)).toThrow(RangeError);
    expect(provesInclusion({ leaf: EMPTY_ROOT, index, size: 8, proof: [], root: EMPTY_ROOT })).toBe(false);
  });
});

describe('B5: a proof', () => {
  const longer = (hash: Buffer): Buffer => Buffer.concat([hash, Buffer.of(7)]);

  it('is of hashes of 32 bytes: with a longer one it does not hold, though what is too much is not hashed', () => {
    const root = grown(11).root();
    const proof = inclusionProof(5, 11, subtree);
    const good = { leaf: leaves[5] as Buffer, index: 5, size: 11, proof, root };
    const grownProof = consistencyProof(6, 11, subtree);
    const consistent = { from: 6, fromRoot: grown(6).root(), to: 11, toRoot: root, proof: grownProof };
    expect([provesInclusion(good), provesConsistency(consistent)]).toEqual([true, true]);
    expect(provesInclusion({ ...good, leaf: longer(good.leaf) })).toBe(false);
    for (const at of proof.keys())
      expect(provesInclusion({ ...good, proof: proof.with(at, longer(proof[at] as Buffer)) })).toBe(false);
    for (const at of grownProof.keys())
      expect(provesConsistency({ ...consistent, proof: grownProof.with(at, longer(grownProof[at] as Buffer)) })).toBe(
        false,
      );
  });
});

describe('a proof of consistency', () => {
  it('holds between every two trees of one log, and between no others', () => {
    for (const to of sizes) {
      const toRoot = grown(to).root();
      for (let from = 0; from <= to; from += 1) {
        const fromRoot = grown(from).root();
        const proof = consistencyProof(from, to, subtree);
        const good = { from, fromRoot, to, toRoot, proof };
        expect(provesConsistency(good)).toBe(true);
        expect(provesConsistency({ ...good, fromRoot: changed(fromRoot) })).toBe(false);
        if (from > 0) expect(provesConsistency({ ...good, toRoot: changed(toRoot) })).toBe(false);
        expect(provesConsistency({ ...good, proof: [...proof, fromRoot] })).toBe(false);
        for (const at of proof.keys())
          expect(provesConsistency({ ...good, proof: proof.with(at, changed(proof[at] as Buffer)) })).toBe(false);
      }
    }
  });

  it('does not hold where a leaf of the beginning was changed', () => {
    const rewritten: Subtree = (level, index) =>
      level > 0
        ? nodeHash(rewritten(level - 1, 2 * index), rewritten(level - 1, 2 * index + 1))
        : index === 11
          ? leafHash('rewritten')
          : (leaves[index] as Buffer);
    for (let from = 12; from < MOST; from += 1) {
      const proof = consistencyProof(from, MOST, rewritten);
      const [fromRoot, toRoot] = [grown(from).root(), rootOf(MOST, rewritten)];
      expect(provesConsistency({ from, fromRoot, to: MOST, toRoot, proof })).toBe(false);
    }
  });

  it('is none for a beginning that is larger', () => {
    expect(() => consistencyProof(9, 8, subtree)).toThrow(RangeError);
  });
});
