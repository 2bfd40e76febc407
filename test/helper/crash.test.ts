// SPDX-License-Identifier: Apache-2.0
/** A helper that is killed at whatever moment leaves a key that fits its certificate. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fits, HelperBench, read, until } from './bench.ts';
import { RotatingApi } from './rotating-api.ts';

const KILLS = 50;
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

/** As a careful reader does: the folder is resolved once, and both files are taken from there. */
function pair(): { readonly certificate: Buffer; readonly key: Buffer } | undefined {
  try {
    const version = join(
      bench.out,
      readlinkSync(join(bench.out, readlinkSync(bench.path('tls.key')).split('/')[0] as string)),
    );
    return { certificate: readFileSync(join(version, 'tls.crt')), key: readFileSync(join(version, 'tls.key')) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

describe('a helper killed in the middle of its work', () => {
  it(`leaves files that belong together, ${KILLS} times of ${KILLS}`, async () => {
    const config = `
socket: ${api.uri}
outputs:
  - { name: web, folder: ${bench.out}, x509: { cert: tls.crt, key: tls.key, bundle: ca.crt } }
`;
    let rotations = 0;
    const rotating = setInterval(() => {
      rotations += 1;
      api.rotate();
    }, 3);
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const before = read(bench.path('tls.crt'));
        bench.start(config);
        await until(() => read(bench.path('tls.crt')) !== before, `a new certificate\n${bench.log}`);
        await sleep(Math.random() * 60);
        await bench.kill();
        // Nobody writes now: by the names themselves.
        const certificate = read(bench.path('tls.crt')) ?? '';
        expect(fits(certificate, read(bench.path('tls.key')) ?? '')).toBe(true);
        expect(read(bench.path('ca.crt'))).toContain('BEGIN CERTIFICATE');
        for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
          expect(lstatSync(bench.path(name)).isSymbolicLink()).toBe(true);
      }
    } finally {
      clearInterval(rotating);
    }
    expect(rotations).toBeGreaterThan(KILLS);
    // What the kills left behind is gone after the next start.
    bench.start(config);
    api.rotate();
    await until(
      () => readdirSync(bench.out).filter((name) => /\.[0-9a-f]{16}/.test(name)).length <= 2,
      'a clean folder',
    );
  }, 180_000);

  it('never shows a reader who looks at one version a key that does not fit', async () => {
    const rotating = setInterval(() => api.rotate(), 3);
    let looks = 0;
    try {
      for (const end = Date.now() + 2_000; Date.now() < end; looks += 1) {
        const found = pair();
        if (found !== undefined) expect(fits(found.certificate, found.key)).toBe(true);
        await sleep(1);
      }
    } finally {
      clearInterval(rotating);
    }
    expect(looks).toBeGreaterThan(50);
  });
});
