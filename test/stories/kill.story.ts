// SPDX-License-Identifier: Apache-2.0
/**
 * `kill -9` of a daemon under load, at random moments of its life and of its start, while its authority rotates as fast as
 * the configuration allows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Daemon, SHORT_LIVES } from '../support/daemon.ts';
import { Witness } from './witness.ts';

const KILLS = 50;
const STEPS = 20;
/** Should the steps be slow to come; 20 of them take about 200 s at a ca.ttl of 60 s. */
const MOST_KILLS = 90;
const LONGEST_LIFE_MS = 3_500;

it('I3 I6: a daemon killed at any moment forgets nothing that it told anybody', async () => {
  const daemon = await Daemon.start({ config: SHORT_LIVES });
  const witness = new Witness(daemon);
  let kills = 0;
  let duringStart = 0;
  try {
    await witness.begin();
    while (kills < KILLS || (witness.stepCount < STEPS && kills < MOST_KILLS)) {
      await sleep(Math.random() * LONGEST_LIFE_MS);
      await daemon.kill();
      kills += 1;
      // One life in five ends before it serves.
      if (Math.random() < 0.2 && kills < KILLS) {
        daemon.launch();
        await sleep(Math.random() * 400);
        await daemon.kill();
        kills += 1;
        duringStart += 1;
      }
      await daemon.start();
      await witness.recovered(10_000);
      await witness.compare();
      expect(witness.broken).toEqual([]);
    }
  } finally {
    await witness.end();
    await daemon.close();
  }
  const { prepare, activate, prune } = witness.steps;
  console.log(
    `${kills} kills (${duringStart} before it served); authority steps: ${prepare} prepare, ${activate} activate, ${prune} prune; ` +
      `${witness.entries.size} entries kept, ${witness.deleted.size} deletions kept, ${witness.serials.size} SVIDs each with its row; ` +
      `bundle sequence ${witness.sequences[0]} to ${witness.sequences.at(-1)}`,
  );
  expect(witness.stepCount).toBeGreaterThanOrEqual(STEPS);
});
