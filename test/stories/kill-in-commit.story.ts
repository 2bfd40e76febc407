// SPDX-License-Identifier: Apache-2.0
/**
 * `kill -9` of a daemon between the signature of an SVID and the end of the commit that records it, again and again: the
 * process dies in SQLite's own write to its log, or where that is about to be synced. `KILLS=200` makes more of them.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import { compile } from '../support/c-program.ts';
import { Daemon, top } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const KILLS = Number(process.env['KILLS'] ?? 12);
const FETCHERS = 6;
/** Steps of a commit (writes and syncs) that may come before the one in which it dies. */
const STEPS = 150;
const VERIFIED_EACH = 20;
const LONGEST_MS = 60_000 + KILLS * 12_000;

/** What clients were handed: serials of X.509-SVIDs, as the table has them. */
const received = new Set<string>();
const tally = { asked: 0, write: 0, sync: 0 };

async function burst(socket: string, isAlive: () => boolean): Promise<void> {
  const fetchX509 = async (): Promise<void> => {
    while (isAlive()) {
      tally.asked += 1;
      const client = new WorkloadClient(socket);
      try {
        for (const svid of (await client.fetchX509Svid().at(1)).svids)
          received.add(new X509Certificate(svid.x509_svid).serialNumber.toLowerCase().padStart(32, '0'));
      } catch {
        // It died before it answered.
      } finally {
        client.close();
      }
    }
  };
  await Promise.all(Array.from({ length: FETCHERS }, fetchX509));
}

/** Nothing that a client has is without its row and its leaf, and the whole log fits together. */
function look(dataDir: string): { readonly rows: number; readonly events: number } {
  const databasePath = join(dataDir, 'assay.db');
  const options = { markPath: join(dataDir, 'high-water-mark'), verifier: undefined, outside: [] };
  const { faults, events } = verifyDatabase({ databasePath, ...options });
  expect(faults).toEqual([]);
  const db = new Database(databasePath, { readonly: true });
  try {
    const leaf = db.prepare(`SELECT t.leaf_hash FROM issuance i JOIN event t ON t.issuance = i.seq WHERE i.serial = ?`);
    const without = [...received].filter((serial) => leaf.get(Buffer.from(serial, 'hex')) === undefined);
    expect(without).toEqual([]);
    return { rows: db.prepare('SELECT count(*) FROM issuance').pluck().get() as number, events };
  } finally {
    db.close();
  }
}

it(
  'I3: nothing leaves a daemon that is killed between signing and committing without its leaf',
  async () => {
    const work = mkdtempSync(join(tmpdir(), 'assay-dying-'));
    const order = join(work, 'order');
    const library = compile('dying-commit', work, ['-std=gnu17', '-Wextra', '-shared', '-fPIC']);
    // bin/assay takes LD_PRELOAD out of the environment (B1), so Node is started as it would start it.
    const command = [process.execPath, '--no-warnings', '--disable-sigusr1', join(top, 'src/main.ts')];
    const daemon = new Daemon({ command, env: { LD_PRELOAD: library, DIE_ORDER: order } });
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        await daemon.start();
        if (kill === 0)
          await daemon.admin.createEntry({
            spiffe_id: 'spiffe://example.org/story',
            selectors: [`unix:uid:${process.getuid?.()}`],
          });
        const { pid } = daemon;
        const over = burst(daemon.workloadSocket, () => isRunning(pid));
        await sleep(Math.random() * 60);
        writeFileSync(order, String(1 + Math.floor(Math.random() * STEPS)));
        await over;
        await daemon.kill();
        tally[readFileSync(`${order}.done`, 'utf8') as 'write' | 'sync'] += 1;
        rmSync(order);
        rmSync(`${order}.done`);
        if ((kill + 1) % VERIFIED_EACH === 0) look(daemon.dataDir);
      }
      await daemon.start();
      await daemon.stop();
      const { rows, events } = look(daemon.dataDir);
      console.log(
        `${KILLS} kills, ${tally.write} before a write of the commit, ${tally.sync} before its sync: ${tally.asked} SVIDs asked for, ` +
          `${received.size} received, ${rows} recorded, ${events} events`,
      );
      expect(tally.write).toBeGreaterThan(0);
      expect(tally.sync).toBeGreaterThan(0);
      expect(received.size).toBeGreaterThan(KILLS / 2);
      // Some were asked for, and died with the daemon.
      expect(received.size).toBeLessThan(tally.asked);
    } finally {
      await daemon.close();
      rmSync(work, { recursive: true, force: true });
    }
  },
  LONGEST_MS,
);

function isRunning(pid: number): boolean {
  try {
    // A child that is dead and not waited for yet still has its pid.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
