// SPDX-License-Identifier: Apache-2.0
/** What a sync costs on the disk that the data lies on: every issuance waits for one. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from './stats.ts';

/** statfs(2): these keep files in memory, where a sync costs and proves nothing. */
const MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);

export interface Disk {
  readonly syncP50Ms: number;
  readonly syncP99Ms: number;
  /** Named when the folder lies in memory. */
  readonly memory: string | undefined;
}

export function measureDisk(folder: string): Disk {
  const dir = mkdtempSync(join(folder, 'sync-'));
  const file = openSync(join(dir, 'file'), 'w');
  const block = Buffer.alloc(4096, 1);
  const times: number[] = [];
  try {
    for (let i = 0; i < 300; i += 1) {
      writeSync(file, block);
      const from = performance.now();
      fdatasyncSync(file);
      times.push(performance.now() - from);
    }
  } finally {
    closeSync(file);
    rmSync(dir, { recursive: true });
  }
  return {
    syncP50Ms: quantile(times, 0.5),
    syncP99Ms: quantile(times, 0.99),
    memory: MEMORY.get(statfsSync(folder).type),
  };
}
