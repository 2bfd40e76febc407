// SPDX-License-Identifier: Apache-2.0
/** I8: a store that cannot write refuses with a reason, loses nothing, goes on reading and recovers by itself. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('trouble');
const root = process.getuid?.() === 0;
const asRoot = root ? describe : describe.skip;

/** A small filesystem of its own, which can really be full or read-only. */
asRoot('on a small disk', () => {
  const mount = mkdtempSync(join(top, 'mount-'));
  beforeAll(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs', mount]));
  afterAll(() => void execFileSync('umount', ['-l', mount]));

  function fill(): void {
    const file = openSync(join(mount, 'filler'), 'w', 0o600);
    try {
      for (;;) writeSync(file, Buffer.alloc(4096));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  it('a full disk refuses writes, loses nothing, and is written again when there is space', async () => {
    const [dir, clock, log] = [join(mount, 'full'), new FakeClock(), new RecordingLogger()];
    const store = await openStore(dir, { clock, log });
    const trouble: (string | undefined)[] = [];
    store.onTrouble((error) => trouble.push(error?.message));
    await furnish(store);
    fill();
    // What still fits into pages that the log has already may pass; soon nothing does.
    let acknowledged = 0;
    let refused: unknown;
    while (refused === undefined) {
      await store.record(anIssuance({ facts: 'x'.repeat(2000) })).then(
        () => {
          acknowledged += 1;
        },
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ kind: 'unavailable', reason: 'STORE_UNAVAILABLE' });
    expect((refused as { hint: string }).hint).toContain('free space');
    expect(trouble).toEqual(['the store cannot write now']);
    const change = await refusalOfAsync(() =>
      store.createEntry(anEntry({ id: 'e2', selectors: ['a:b'] }), undefined, BY),
    );
    expect(change.reason).toBe('STORE_UNAVAILABLE');
    // Reading goes on, and shows what was acknowledged and no more.
    expect(store.list({}, { limit: 1000 }).rows).toHaveLength(acknowledged);
    expect(store.listEntries({}, { limit: 10 }).rows.map((entry) => entry.id)).toEqual(['e1']);
    // Still full: looked at again, told once.
    await tick(clock, 3);
    expect(trouble).toHaveLength(1);
    // Nor can another daemon start there.
    const elsewhere = await refusalOfAsync(() => openStore(join(mount, 'other')));
    expect(elsewhere.kind).toBe('failed-precondition');
    expect(elsewhere.message).toMatch(/SQLITE_FULL|ENOSPC/);

    rmSync(join(mount, 'filler'));
    await until(async () => {
      await tick(clock, 1);
      return trouble.length === 2;
    });
    expect(trouble[1]).toBeUndefined();
    expect(await store.record(anIssuance())).toEqual({ seq: acknowledged + 1 });
    expect(log.lines.filter((line) => line.message === 'the store cannot write')).toHaveLength(1);
    await store.close();
    const again = await openStore(dir);
    expect(again.lastIssuanceSeq()).toBe(acknowledged + 1);
    expect([again.lastChangeSeq(), again.list({}, { limit: 1000 }).rows.length]).toEqual([3, acknowledged + 1]);
    await again.close();
  });

  it('a mark that cannot be written is trouble, and what was committed stands', async () => {
    const [dir, clock] = [join(mount, 'mark'), new FakeClock()];
    const store = await openStore(dir, { clock });
    const trouble: boolean[] = [];
    store.onTrouble((error) => trouble.push(error !== undefined));
    // A folder where the new mark would be made.
    mkdirSync(join(dir, 'high-water-mark.new'));
    await furnish(store);
    expect(store.loadAuthorities()).toHaveLength(1);
    expect(trouble).toEqual([true]);
    rmSync(join(dir, 'high-water-mark.new'), { recursive: true });
    await until(async () => {
      await tick(clock, 1);
      return trouble.length === 2;
    });
    expect(trouble).toEqual([true, false]);
    await store.close();
  });

  it('a folder that cannot be written is refused at start', async () => {
    const dir = join(mount, 'readonly');
    await (await openStore(dir)).close();
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    try {
      const refused = await refusalOfAsync(() => openStore(dir));
      expect(refused.kind).toBe('failed-precondition');
      expect(refused.message).toMatch(/READONLY|EROFS|CANTOPEN/);
      expect(refused.message).toContain(dir);
      const absent = await refusalOfAsync(() => openStore(join(mount, 'absent')));
      expect([absent.reason, absent.value]).toEqual(['DATA_DIR_UNUSABLE', join(mount, 'absent')]);
    } finally {
      execFileSync('mount', ['-o', 'remount,rw', mount]);
    }
  });
});

it('a corrupt page refuses what touches it and is told as trouble', async () => {
  const dir = join(top, 'corrupt');
  const store = await openStore(dir);
  await furnish(store);
  await store.close();
  const path = join(dir, 'assay.db');
  const db = new Database(path, { readonly: true });
  const rootPage = db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'change'`).pluck().get() as number;
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  db.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(pageSize, 0xff), 0, pageSize, (rootPage - 1) * pageSize);
  closeSync(file);

  const clock = new FakeClock();
  const again = await openStore(dir, { clock });
  const trouble: (Error | undefined)[] = [];
  again.onTrouble((error) => trouble.push(error));
  const refused = await refusalOfAsync(() => again.deleteEntry('e1', BY, NOW));
  expect([refused.kind, refused.reason]).toEqual(['unavailable', 'STORE_UNAVAILABLE']);
  expect(String((refused.cause as Error).message)).toContain('SQLITE_CORRUPT');
  expect(trouble).toHaveLength(1);
  expect(again.listEntries({}, { limit: 10 }).rows).toHaveLength(1);
  await again.close();
});

/** Moves the clock by a second, and waits for what the writer thread does then. */
async function tick(clock: FakeClock, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) if (await done()) return;
  throw new Error('it did not come to pass');
}
