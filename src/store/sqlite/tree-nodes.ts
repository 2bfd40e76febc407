// SPDX-License-Identifier: Apache-2.0
/** The tree's hashes as they are stored: leaves with their events, and the nodes of every eighth level above them. */
import type { Database } from 'better-sqlite3';
import { Frontier } from '../../merkle/frontier.ts';
import { nodeHash } from '../../merkle/hash.ts';
import type { Subtree } from '../../merkle/proof.ts';

/** Levels from one stored node to the next: 256 hashes make one. */
export const TILE_LEVELS = 8;

export function storedSubtree(db: Database): Subtree {
  const leaf = db.prepare('SELECT leaf_hash FROM event WHERE seq = ?').pluck();
  const leaves = db.prepare('SELECT leaf_hash FROM event WHERE seq >= ? AND seq < ? ORDER BY seq').pluck();
  const node = db.prepare('SELECT hash FROM log_node WHERE level = ? AND idx = ?').pluck();
  const nodes = db.prepare('SELECT hash FROM log_node WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx').pluck();
  return (level, index) => {
    const stored = Math.floor(level / TILE_LEVELS) * TILE_LEVELS;
    if (stored === level) {
      const hash = (level === 0 ? leaf.get(index) : node.get(level, index)) as Buffer | undefined;
      return hash ?? missing(level, index);
    }
    const count = 2 ** (level - stored);
    const from = index * count;
    const below = (stored === 0 ? leaves.all(from, from + count) : nodes.all(stored, from, from + count)) as Buffer[];
    return below.length === count ? fold(below) : missing(level, index);
  };
}

/** The right edge of the tree of the first `size` events. Throws where one of them is not there. */
export function storedFrontier(db: Database, size: number): Frontier {
  return Frontier.at(size, storedSubtree(db));
}

function fold(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, at) => nodeHash(row[2 * at] as Buffer, row[2 * at + 1] as Buffer));
  return row[0] as Buffer;
}

function missing(level: number, index: number): never {
  throw new Error(`the tree of the log has no hash at level ${level}, place ${index}`);
}
