// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it } from '@jest/globals';
import { Ceilings } from '../../src/peer/ceilings.ts';
import type { LineProgram } from '../support/line-program.ts';
import { PeerBench } from '../support/peers.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Threads and helpers open theirs while they start. */
async function settled(): Promise<number> {
  for (let before = -1; ; ) {
    const now = descriptors();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function churn(bench: PeerBench, caller: LineProgram, count: number): Promise<void> {
  caller.say(`churn ${bench.path} ${count}`);
  await caller.heard('churned', 60_000);
  await bench.until(() => bench.connections === 0);
}

it('thousands of connects leave the number of descriptors flat', async () => {
  const bench = await PeerBench.open();
  const callers = await Promise.all([bench.caller(), bench.caller()]);
  await Promise.all(callers.map((caller) => churn(bench, caller, 50)));
  const before = await settled();
  await Promise.all(callers.map((caller) => churn(bench, caller, 2_000)));
  expect(descriptors()).toBe(before);
  expect(bench.platform.describe().processes).toBe(0);
}, 120_000);

it('A3: one process costs one descriptor, and each of its connections one more', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller();
  await churn(bench, caller, 5);
  const before = await settled();
  for (let i = 0; i < 10; i += 1) await bench.connect(caller);
  expect(descriptors()).toBe(before + 10 + 1);
});

it('A3: refused connections cost none', async () => {
  const ceilings = new Ceilings({ what: 'connections', perUid: 0, perCgroup: 9, total: 9, reserved: 1, ownUid: 1 });
  const bench = await PeerBench.open({ ceilings });
  const before = await settled();
  for (let i = 0; i < 100; i += 1) {
    const socket = connect({ path: bench.path });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
  }
  expect(bench.refused).toHaveLength(100);
  await bench.until(() => descriptors() <= before);
  expect(bench.platform.describe().processes).toBe(0);
});
