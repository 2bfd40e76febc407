// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';

const SOURCE = resolve(import.meta.dirname, '../../src/lib/clock.ts');
const TIMERS = 20_000;

/** What a process says that does this with the system's clock, and must end by itself. */
function said(work: string): string {
  const program = `
    const { systemClock } = await import(${JSON.stringify(SOURCE)});
    const HOUR = 3_600_000;
    ${work}`;
  const flags = ['--expose-gc', '--no-warnings', '--input-type=module', '-e', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 20_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

it('I9: timers that were cancelled leave nothing, however long and different their times', () => {
  const bytes = said(`
    const inUse = () => (gc(), gc(), process.memoryUsage().heapUsed);
    const round = (from) => {
      for (let i = 0; i < ${TIMERS}; i += 1) systemClock.after(HOUR + from + i, () => undefined).cancel();
    };
    round(0);
    const before = inUse();
    round(${TIMERS});
    process.stdout.write(String(inUse() - before));`);
  expect(Number(bytes) / TIMERS).toBeLessThan(20);
});

it('a timer keeps no process alive: waiting, over, cancelled, cancelled twice, cancelled by itself', () => {
  const calls = said(`
    let calls = 0;
    systemClock.after(HOUR, () => undefined);
    const over = systemClock.after(1, () => (calls += 1));
    const self = systemClock.after(2, () => { calls += 1; self.cancel(); });
    const twice = systemClock.after(1, () => (calls += 100));
    twice.cancel();
    twice.cancel();
    await new Promise((resolve) => setTimeout(resolve, 50));
    over.cancel();
    over.cancel();
    self.cancel();
    process.stdout.write(String(calls));`);
  expect(calls).toBe('2');
});

it('a timer that another one cancels as both are due is not called', () => {
  const calls = said(`
    let calls = 0;
    const timers = [0, 1].map((at) => systemClock.after(5, () => { calls += 1; timers[1 - at].cancel(); }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.stdout.write(String(calls));`);
  expect(calls).toBe('1');
});
