// SPDX-License-Identifier: Apache-2.0
/** A thousand rotations cost no memory and no descriptors. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fits, HelperBench, read, until } from './bench.ts';
import { RotatingApi } from './rotating-api.ts';

const ROTATIONS = 1_000;
const WARM = 300;
let api: RotatingApi;
let bench: HelperBench;

beforeAll(async () => {
  api = await RotatingApi.start();
  bench = new HelperBench();
});

afterAll(async () => {
  await bench?.close();
  api?.close();
});

/** The pid of Node itself: bin/assay becomes it. */
const residentKiB = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${bench.pid}/status`, 'utf8'))?.[1]);
const descriptors = (): number => readdirSync(`/proc/${bench.pid}/fd`).length;

describe('a thousand rotations', () => {
  it('I9: leave memory, descriptors and the folder as they were', async () => {
    bench.start(`
socket: ${api.uri}
outputs:
  - name: web
    folder: ${bench.out}
    x509: { cert: tls.crt, key: tls.key, bundle: ca.crt, combined: all.pem }
    run: { command: ["true"] }
`);
    let last = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    const memory: number[] = [];
    const open: number[] = [];
    for (let turn = 0; turn < ROTATIONS; turn += 1) {
      api.rotate();
      last = await until(() => {
        const now = read(bench.path('tls.crt'));
        return now !== undefined && now !== last && now;
      }, `rotation ${turn}\n${bench.log}`);
      if (turn >= WARM && turn % 50 === 0) {
        memory.push(residentKiB());
        open.push(descriptors());
      }
    }
    expect(fits(last, read(bench.path('tls.key')) ?? '')).toBe(true);
    const [first = 0] = memory;
    expect(Math.max(...memory.slice(-4)) - first).toBeLessThan(32 * 1024);
    // A command of the moment and the folder that is being written may be among them.
    expect(Math.max(...open) - Math.min(...open)).toBeLessThan(8);
    expect(readdirSync(bench.out).length).toBeLessThan(10);
  }, 240_000);
});
