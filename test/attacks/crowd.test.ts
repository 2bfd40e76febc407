// SPDX-License-Identifier: Apache-2.0
/** A thousand streams of one uid at once: they wait for each other, and nobody else for them. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admission } from '../../src/lib/admission.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { seen } from '../support/seen.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Newcomers admitted in one turn of the loop. */
const PER_TURN = 8;
const CROWD = 200;
const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a crowd of one uid', () => {
  const dataDir = join(tempDir('crowd'), 'data');
  const looked: number[] = [];
  let daemon: Awaited<ReturnType<typeof lone>>;

  beforeAll(async () => {
    const attest = async (process: ProcessHandle) => {
      looked.push(process.uid);
      return seen([[`unix:uid:${process.uid}`, 'kernel']]);
    };
    daemon = await lone({ dataDir, clock: systemClock, attestation: { attest } });
    for (const uid of [1000, 2000])
      await daemon.registry.createEntry(
        { spiffeId: `spiffe://example.org/u${uid}`, selectors: [`unix:uid:${uid}`] },
        OPERATOR,
      );
  });
  afterAll(() => daemon.close());

  it('I9: does not hold up a caller of another uid, and is served itself', async () => {
    const crowd = Array.from({ length: CROWD }, () => new TestFollower());
    for (const [i, one] of crowd.entries()) daemon.standings.followX509(new TestProcess(100 + i, 1000), one);
    const other = new TestFollower();
    daemon.standings.followX509(new TestProcess(99, 2000), other);
    expect(looked.length).toBeLessThanOrEqual(PER_TURN);
    await other.until(1);
    expect(other.states[0]?.svids[0]?.spiffeId).toBe('spiffe://example.org/u2000');
    // In the turn after the one in which it came.
    expect(looked.indexOf(2000)).toBeLessThanOrEqual(2 * PER_TURN);
    await Promise.all(crowd.map((one) => one.until(1)));
    expect(looked.length).toBe(CROWD + 1);
  });

  it('I9: one that leaves while it waits is never looked at', async () => {
    const before = looked.length;
    const following = Array.from({ length: CROWD }, (_, i) =>
      daemon.standings.followX509(new TestProcess(500 + i, 1000), new TestFollower()),
    );
    for (const one of following) one.stop();
    for (let turn = 0; turn < CROWD; turn += 1) await turnOfLoop();
    expect(looked.length - before).toBeLessThanOrEqual(PER_TURN);
    expect(daemon.standings.size).toBeGreaterThanOrEqual(CROWD + 1);
  });
});

it('I9: tenants take turns, however many of one wait', async () => {
  const admission = new Admission(PER_TURN);
  const order: string[] = [];
  const enter = (tenant: string): void => {
    const turn = admission.enter(tenant);
    if (turn === undefined) order.push(tenant);
    else void turn.then(() => order.push(tenant));
  };
  for (let i = 0; i < 40; i += 1) enter('a');
  for (let i = 0; i < 3; i += 1) enter('b');
  enter('c');
  expect(order).toEqual(Array.from({ length: PER_TURN }, () => 'a'));
  await turnOfLoop();
  await turnOfLoop();
  expect(order.slice(PER_TURN, 2 * PER_TURN).join('')).toBe('abcababa');
  for (let turn = 0; turn < 10; turn += 1) await turnOfLoop();
  expect([order.length, admission.waiting]).toEqual([44, 0]);
});
