// SPDX-License-Identifier: Apache-2.0
/** The tree's hashes as they are stored: leaves with their events, and the nodes of every eighth level above them. */
import type { Database } from 'better-sqlite3';
import { Frontier } from '../../merkle/frontier.ts';
import { nodeHash } from '../../merkle/hash.ts';
import type { Subtree } from '../../merkle/proof.ts';

/** Levels from one stored node to the next: 256 hashes make one. */
export const TILE_LEVELS = 8;

/** Leaves of one stored node. */
export const TILE = 2 ** TILE_LEVELS;

/** The hashes at a stored level from one place up to another, as many as are there. */
export type StoredHashes = (level: number, from: number, end: number) => readonly Buffer[];

export function storedHashes(db: Database): StoredHashes {
  const leaves = db.prepare('SELECT leaf_hash FROM event WHERE seq >= ? AND seq < ? ORDER BY seq').pluck();
  const nodes = db.prepare('SELECT hash FROM log_node WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx').pluck();
  return (level, from, end) => (level === 0 ? leaves.all(from, end) : nodes.all(level, from, end)) as Buffer[];
}

export function storedSubtree(db: Database): Subtree {
  const hashes = storedHashes(db);
  return (level, index) => {
    const stored = level - (level % TILE_LEVELS);
    const count = 2 ** (level - stored);
    const below = hashes(stored, index * count, (index + 1) * count);
    return below.length === count ? fold(below) : missing(level, index);
  };
}

/** The same for proofs of many leaves that lie together: each tile is read and hashed once. Holds them as long as it is held. */
export function tiledSubtree(hashes: StoredHashes): Subtree {
  const tiles = new Map<string, readonly (readonly Buffer[])[]>();
  return (level, index) => {
    const within = level % TILE_LEVELS;
    const width = 2 ** (TILE_LEVELS - within);
    const [stored, tile] = [level - within, Math.floor(index / width)];
    const key = `${stored} ${tile}`;
    const rows = tiles.get(key) ?? tileRows(hashes(stored, tile * TILE, (tile + 1) * TILE));
    tiles.set(key, rows);
    return rows[within]?.[index - tile * width] ?? missing(level, index);
  };
}

/** From the stored level up to the one below the next. */
function tileRows(hashes: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const rows = [hashes];
  for (let row = hashes; rows.length < TILE_LEVELS; rows.push(row)) row = halved(row);
  return rows;
}

/** The right edge of the tree of the first `size` events. Throws where one of them is not there. */
export function storedFrontier(db: Database, size: number): Frontier {
  return Frontier.at(size, storedSubtree(db));
}

function fold(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1) row = halved(row);
  return row[0] as Buffer;
}

/** The last one is left out where it has none beside it. */
function halved(row: readonly Buffer[]): readonly Buffer[] {
  return Array.from({ length: Math.floor(row.length / 2) }, (_, at) =>
    nodeHash(row[2 * at] as Buffer, row[2 * at + 1] as Buffer),
  );
}

function missing(level: number, index: number): never {
  throw new Error(`the tree of the log has no hash at level ${level}, place ${index}`);
}
