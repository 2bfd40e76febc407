// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';

const SOURCE = resolve(import.meta.dirname, '../../src/cli/heap-growth.ts');

/** The heap's size over what is in use, in a process that leaves twenty times that as garbage which has become old. */
function growth(prepare: string): number {
  const program = `
    const { keepHeapSmall } = await import(${JSON.stringify(SOURCE)});
    const { getHeapStatistics } = await import('node:v8');
    const objects = (count) => Array.from({ length: count }, (_, i) => ({ i, next: { i } }));
    const kept = objects(80_000);
    gc();
    const used = getHeapStatistics().used_heap_size;
    ${prepare}
    gc();
    // Each waits long enough to be moved among the old before it is let go.
    const waiting = [];
    let most = 0;
    for (let i = 0; i < 400; i += 1) {
      waiting.push(objects(4_000));
      if (waiting.length > 6) waiting.shift();
      most = Math.max(most, getHeapStatistics().total_heap_size);
    }
    process.stdout.write(String(kept.length === 80_000 ? most / used : NaN));`;
  const flags = ['--expose-gc', '--max-semi-space-size=1', '--no-warnings', '--input-type=module', '-e', program];
  return Number(spawnSync(process.execPath, flags, { encoding: 'utf8' }).stdout);
}

it('B4: garbage that calls leave makes the heap grow by part of what is in use, not by all of it', () => {
  const [small, plain] = [growth('keepHeapSmall();'), growth('')];
  expect(small).toBeGreaterThan(1);
  expect(small).toBeLessThan(1 + (plain - 1) * 0.75);
});
