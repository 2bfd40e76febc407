// SPDX-License-Identifier: Apache-2.0
/**
 * Thousands of processes of two uids connect and end, and each takes the pid of the one before it while the call of that
 * one is being answered (attacks A2, A3 and A4). An entry of a uid and of the program that the other uid runs would be met by
 * facts of two processes taken for one.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasCompiler } from '../support/c-program.ts';
import { Daemon, top } from '../support/daemon.ts';
import { PidStorm, STORM_LIMITS } from '../support/pid-storm.ts';
import { tempDir } from '../support/temp-dir.ts';

const GENERATIONS = 1_000;
const SLOTS = 24;

const can = process.getuid?.() === 0 && hasCompiler;
if (!can) console.warn('skipped: the storm needs root, to choose pids and uids, and gcc');

(can ? describe : describe.skip).each([
  { how: 'with the process connector', command: [join(top, 'bin/assay')] },
  // Outside the first network namespace the kernel reports no execs.
  { how: 'with looks alone', command: ['unshare', '--net', join(top, 'bin/assay')] },
])('callers that take the pids of dead ones, $how', ({ command }) => {
  const folder = tempDir('storm');
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start({ command, config: [STORM_LIMITS] });
  });
  afterAll(() => daemon?.close());

  it('A2, A3, A4: each gets what its own uid and program have, and the dead get nothing once they are dead', async () => {
    const storm = await PidStorm.prepare(folder, daemon);
    const report = await storm.run(GENERATIONS, SLOTS);
    expect(report).toMatchObject({ started: GENERATIONS, wrong: 0, lateAnswered: 0, leftOpen: 0 });
    // A busy machine may have no time for some. For the rest: else nothing was tried.
    expect(report.stayedAnswered).toBeGreaterThan(report.stayed * 0.95);
    expect(report.stayed).toBeGreaterThan(GENERATIONS / 4);
    expect(report.reused).toBeGreaterThan(GENERATIONS * 0.9);
    expect(report.inFlight).toBeGreaterThan(GENERATIONS / 10);
    expect(report.lateAsked).toBeGreaterThan(GENERATIONS / 10);
  }, 300_000);
});
