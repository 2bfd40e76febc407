// SPDX-License-Identifier: Apache-2.0
/**
 * The page cache survives a killed process, so killing one shows nothing about durability. Here a process writes on a disk
 * that forgets whatever no returned fsync covers, and loses its power at a random moment, again and again.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import { entriesIn } from '../../src/store/packed.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { JsonLines } from '../support/json-lines.ts';
import { ForgetfulDisk } from './forgetful-disk.ts';

let work: string;
let dir: string;
let disk: ForgetfulDisk;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'assay-power-'));
  dir = join(work, 'data');
  mkdirSync(dir, { mode: 0o700 });
  disk = new ForgetfulDisk(dir, work);
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

interface Losses {
  readonly acknowledged: number;
  readonly missing: number;
  readonly forgottenBytes: number;
  /** Why the store did not open afterwards. */
  readonly refused: string | undefined;
}

/** `times` lives of one data folder, each ended by a power loss in the middle of its writes. */
async function loseAgainAndAgain(synchronous: 'FULL' | 'OFF', times: number): Promise<Losses> {
  const acknowledged = new Set<string>();
  let forgottenBytes = 0;
  for (let life = 0; life < times; life += 1) {
    for (const n of await writeUntilKilled(synchronous, life * 1_000_000)) acknowledged.add(`e${n}`);
    forgottenBytes += disk.losePower().lost;
    const found = await entriesStored();
    if (typeof found === 'string')
      return { acknowledged: acknowledged.size, missing: acknowledged.size, forgottenBytes, refused: found };
    const missing = [...acknowledged].filter((id) => !found.has(id)).length;
    if (missing > 0) return { acknowledged: acknowledged.size, missing, forgottenBytes, refused: undefined };
  }
  return { acknowledged: acknowledged.size, missing: 0, forgottenBytes, refused: undefined };
}

async function writeUntilKilled(synchronous: string, first: number): Promise<number[]> {
  const writer = join(import.meta.dirname, 'store-writer.ts');
  const args = ['--no-warnings', writer, dir, synchronous, String(first)];
  const child = new JsonLines(process.execPath, args, disk.env);
  await child.named('acked');
  await sleep(50 + Math.random() * 700);
  child.kill();
  await child.exited;
  return child.events.filter((event) => event.event === 'acked').map((event) => event['n'] as number);
}

/** Read without the forgetful disk, then left as it was: reading may checkpoint, which the next life starts from. */
async function entriesStored(): Promise<Set<string> | string> {
  const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
  try {
    const store = await openSqliteStore({ dataDir: dir, clock: systemClock, log: silent });
    const ids = new Set([...entriesIn(store.loadEntries())].map((entry) => entry.id));
    await store.close();
    disk = new ForgetfulDisk(dir, work);
    return ids;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a power loss', () => {
  it('I3: loses nothing that the store acknowledged', async () => {
    const losses = await loseAgainAndAgain('FULL', 12);
    console.log(`power loss, synchronous=FULL: ${JSON.stringify(losses)}`);
    expect(losses).toMatchObject({ missing: 0, refused: undefined });
    // It is a test only if there was something to forget.
    expect(losses.forgottenBytes).toBeGreaterThan(0);
    expect(losses.acknowledged).toBeGreaterThan(100);
  });

  it('would lose it with synchronous=OFF: the disk does forget', async () => {
    const losses = await loseAgainAndAgain('OFF', 12);
    console.log(`power loss, synchronous=OFF: ${JSON.stringify(losses)}`);
    expect(losses.missing).toBeGreaterThan(0);
  });
});
