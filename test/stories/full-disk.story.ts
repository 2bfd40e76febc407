// SPDX-License-Identifier: Apache-2.0
/** The disk under a serving daemon fills up and is freed again: what leaves meanwhile, what is said, and what the log holds. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { assay } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const asRoot = process.getuid?.() === 0 ? it : it.skip;
const RECOVERY_MS = 60_000;
const MOST_BEFORE = 20_000;

const serialOf = (response: { readonly svids: readonly { readonly x509_svid: Buffer }[] }): string =>
  new X509Certificate(response.svids[0]!.x509_svid).serialNumber.toLowerCase().padStart(32, '0');

function fill(file: string): void {
  const fd = openSync(file, 'w', 0o600);
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(fd);
  }
}

asRoot(
  'I3 I8: on a full disk nothing is issued, what was issued is served, and the log is whole afterwards',
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'assay-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', disk]);
    const daemon = new Daemon({ dataDir: join(disk, 'data') });
    const received = new Set<string>();
    /** A workload that comes, takes an SVID and goes. The code of the refusal, where there was one. */
    const visit = async (): Promise<number | undefined> => {
      const client = new WorkloadClient(daemon.workloadSocket);
      try {
        const stream = client.fetchX509Svid();
        const first = await stream.at(1).catch(() => undefined);
        if (first === undefined) return (await stream.status).code;
        received.add(serialOf(first));
        return undefined;
      } finally {
        client.close();
      }
    };
    const store = async () => {
      const { checks } = await daemon.admin.call('GetHealth', {});
      return (checks as { name: string; status: unknown; text: string }[]).find(({ name }) => name === 'store');
    };
    const holder = new WorkloadClient(daemon.workloadSocket);
    try {
      // 1. A workload has its SVID.
      await daemon.start();
      const selectors = [`unix:uid:${process.getuid?.()}`];
      await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/story', selectors });
      const held = holder.fetchX509Svid();
      received.add(serialOf(await held.at(1)));
      let ended = false;
      void held.status.then(() => {
        ended = true;
      });
      const well = await store();

      // 2. The disk fills up. What fits into pages that the log has already may pass; soon nothing does.
      fill(join(disk, 'filler'));
      while ((await visit()) === undefined) expect(received.size).toBeLessThan(MOST_BEFORE);
      const passed = received.size;

      // 3. Nothing is issued, for as long as it lasts. 14 is UNAVAILABLE: ask again.
      for (let tries = 0; tries < 20; tries += 1) expect(await visit()).toBe(14);
      expect(received.size).toBe(passed);
      // 4. What was issued stays served, and so do the bundles.
      expect([held.received.length, ended]).toEqual([1, false]);
      const bundles = await holder.fetchX509Bundles().at(1);
      expect(Object.keys(bundles.bundles)).toEqual(['spiffe://example.org']);
      // 5. It is said.
      const ill = await store();
      expect(ill?.status).not.toEqual(well?.status);
      expect(ill?.text).toContain('nothing is issued');
      const health = await assay(['health', '--admin-socket', daemon.adminSocket]);
      expect(health.code).not.toBe(0);
      expect(`${health.out}${health.err}`).toContain('nothing is issued');

      // 6. There is space again: it recovers by itself.
      rmSync(join(disk, 'filler'));
      const freed = performance.now();
      const until = async (holds: () => Promise<boolean>): Promise<number> => {
        while (!(await holds())) {
          expect(performance.now() - freed).toBeLessThan(RECOVERY_MS);
          await sleep(50);
        }
        return Math.round(performance.now() - freed);
      };
      const issuedAgain = await until(async () => (await visit()) === undefined);
      // Health follows with the next trial write.
      const saidSo = await until(async () => (await store())?.text === well?.text);
      expect([held.received.length, ended]).toEqual([1, false]);

      // 7. The log is whole, and each SVID that anybody received is in it.
      expect(await assay(['audit', 'verify', '--data-dir', daemon.dataDir])).toMatchObject({ code: 0 });
      await daemon.stop();
      expect(await assay(['audit', 'verify', '--data-dir', daemon.dataDir])).toMatchObject({ code: 0 });
      const db = new Database(join(daemon.dataDir, 'assay.db'), { readonly: true });
      const leaf = db.prepare(
        'SELECT t.leaf_hash FROM issuance i JOIN event t ON t.issuance = i.seq WHERE i.serial = ?',
      );
      const without = [...received].filter((one) => leaf.get(Buffer.from(one, 'hex')) === undefined);
      db.close();
      expect(without).toEqual([]);
      console.log(
        `${passed} SVIDs before nothing more was written; with space again: issuing after ${issuedAgain} ms, health after ${saidSo} ms`,
      );
    } finally {
      holder.close();
      await daemon.close();
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  },
);
