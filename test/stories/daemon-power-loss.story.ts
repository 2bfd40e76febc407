// SPDX-License-Identifier: Apache-2.0
/** A whole daemon whose disk forgets what no returned fsync covers loses its power under load. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES, top } from '../support/daemon.ts';
import { ForgetfulDisk } from './forgetful-disk.ts';
import { Witness } from './witness.ts';

const LOSSES = 12;

it('I3 I6: a daemon that loses its power forgets nothing that it told anybody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-d-'));
  const work = mkdtempSync(join(tmpdir(), 'assay-power-'));
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const disk = new ForgetfulDisk(dataDir, work);
  // bin/assay takes LD_PRELOAD out of the environment (B1), so Node is started as it would start it.
  const command = [process.execPath, '--no-warnings', '--disable-sigusr1', join(top, 'src/main.ts')];
  const daemon = await Daemon.start({ folder, command, env: disk.env, config: SHORT_LIVES });
  const witness = new Witness(daemon);
  let forgotten = 0;
  try {
    await witness.begin();
    for (let loss = 0; loss < LOSSES; loss += 1) {
      await sleep(500 + Math.random() * 3_500);
      await daemon.kill();
      forgotten += disk.losePower().lost;
      await daemon.start();
      await witness.recovered(10_000);
      await witness.compare();
      expect(witness.broken).toEqual([]);
    }
  } finally {
    await witness.end();
    await daemon.close();
    rmSync(work, { recursive: true, force: true });
  }
  console.log(
    `${LOSSES} power losses, ${forgotten} bytes forgotten: ${witness.entries.size} entries, ${witness.deleted.size} deletions, ` +
      `${witness.serials.size} SVIDs with their rows; bundle sequence ${witness.sequences[0]} to ${witness.sequences.at(-1)}`,
  );
  expect(forgotten).toBeGreaterThan(0);
});
