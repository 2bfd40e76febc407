// SPDX-License-Identifier: Apache-2.0
/** What is kept, and what is said, when the daemon, the disk or the folder fails. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fits, HelperBench, read, until } from './bench.ts';
import { askHealth, type Health } from './health-client.ts';
import { RotatingApi } from './rotating-api.ts';

const asRoot = process.getuid!() === 0 ? it : it.skip;
let api: RotatingApi;
let bench: HelperBench;
let socket: string;

beforeEach(async () => {
  api = await RotatingApi.start();
  bench = new HelperBench();
  socket = join(bench.folder, 'health.sock');
});

afterEach(async () => {
  await bench.close();
  api.close();
});

const config = (folder = bench.out): string => `
socket: ${api.uri}
health: { socket: ${socket} }
outputs:
  - { name: web, folder: ${folder}, x509: { cert: tls.crt, key: tls.key } }
`;

async function ready(matches: (health: Health) => boolean, path = '/ready'): Promise<Health> {
  const end = Date.now() + 20_000;
  for (;;) {
    const health = await askHealth(socket, path).catch(() => undefined);
    if (health !== undefined && matches(health)) return health;
    if (Date.now() > end) throw new Error(`in vain: ${JSON.stringify(health)}\n${bench.log}`);
    await sleep(20);
  }
}

const first = (health: Health): Health['outputs'][number] => health.outputs[0] as Health['outputs'][number];

describe('when the daemon is gone', () => {
  it('the last files stay, the health page says so, and it comes back by itself', async () => {
    bench.start(config());
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    await ready(({ code, daemon }) => code === 200 && daemon.reachable);
    api.stop();
    const away = await ready(({ daemon }) => daemon.streams[0]?.problem?.startsWith('UNAVAILABLE') === true);
    expect(away).toMatchObject({
      code: 200,
      status: 'OK',
      daemon: { reachable: false, streams: [{ state: 'holding' }] },
    });
    expect(first(away)).toMatchObject({ state: 'written', last_error: expect.stringContaining('UNAVAILABLE') });
    expect(read(bench.path('tls.crt'))).toBe(before);
    api.rotate();
    await api.listen();
    const back = await until(() => read(bench.path('tls.crt')) !== before && read(bench.path('tls.crt')), 'a new one');
    expect(fits(back, read(bench.path('tls.key')) ?? '')).toBe(true);
    const well = await ready(({ daemon }) => daemon.reachable);
    expect(first(well).last_error).toBeNull();
  });

  it('an identity that was taken back stays as files, and that is said', async () => {
    bench.start(config());
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    api.api.onStream = (stream) => stream.end(7, 'no identity issued');
    api.deny();
    const health = await ready(({ daemon }) => daemon.streams[0]?.state === 'withdrawn');
    expect(first(health).last_error).toContain('PERMISSION_DENIED: no identity issued');
    expect(read(bench.path('tls.crt'))).toBe(before);
  });

  it('a certificate that has ended stays as well, and makes it unready', async () => {
    api.rotate(api.make({ notAfter: Date.now() + 3_000 }));
    bench.start(config());
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    api.stop();
    await ready(({ code }) => code === 200);
    const ended = await ready(({ code }) => code === 503);
    expect(first(ended).state).toBe('expired');
    expect(read(bench.path('tls.crt'))).toBe(before);
    expect(await askHealth(socket, '/live')).toMatchObject({ code: 200 });
  });

  it('before the first certificate it waits, alive and not ready', async () => {
    api.stop();
    bench.start(config());
    const health = await ready(({ daemon }) => daemon.streams[0]?.problem !== null);
    expect(health).toMatchObject({ code: 503, daemon: { reachable: false } });
    expect(first(health)).toMatchObject({ state: 'unwritten', fresh_until: null });
    expect(await askHealth(socket, '/live')).toMatchObject({ code: 200 });
    await api.listen();
    await until(() => read(bench.path('tls.crt')), 'a certificate');
  });

  it('a message that makes no sense changes nothing', async () => {
    bench.start(config());
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    const [one, two] = [api.make(), api.make()] as unknown as { svids: { x509_svid_key: Buffer }[] }[];
    // The key of another certificate.
    api.rotate({ ...one, svids: [{ ...one?.svids[0], x509_svid_key: two?.svids[0]?.x509_svid_key }] });
    const health = await ready((said) => first(said).last_error !== null);
    expect(first(health).last_error).toContain('not the key of the certificate');
    expect(read(bench.path('tls.crt'))).toBe(before);
  });
});

describe('when nothing can be written', () => {
  asRoot('to a full disk: the files of before stay, and it goes on when there is room', async () => {
    const disk = join(bench.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=755', 'tmpfs', disk]);
    try {
      bench.start(config(disk));
      const before = await until(() => read(join(disk, 'tls.crt')), `tls.crt\n${bench.log}`);
      fill(disk);
      api.rotate();
      const full = await ready(({ code }) => code === 503);
      expect(first(full)).toMatchObject({ state: 'failed', last_error: expect.stringContaining('ENOSPC') });
      expect(await askHealth(socket, '/live')).toMatchObject({ code: 503 });
      expect(read(join(disk, 'tls.crt'))).toBe(before);
      expect(fits(before, read(join(disk, 'tls.key')) ?? '')).toBe(true);
      expect(bench.log).toContain('free some space');
      rmSync(join(disk, 'filler'));
      const after = await until(
        () => read(join(disk, 'tls.crt')) !== before && read(join(disk, 'tls.crt')),
        'a new one',
      );
      expect(fits(after, read(join(disk, 'tls.key')) ?? '')).toBe(true);
      await ready(({ code }) => code === 200);
      expect(readdirSync(disk).length).toBeLessThan(6);
    } finally {
      await bench.stop();
      execFileSync('umount', [disk]);
    }
  });

  asRoot('to a read-only folder: the same', async () => {
    const disk = join(bench.folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', disk]);
    try {
      bench.start(config(disk));
      const before = await until(() => read(join(disk, 'tls.crt')), `tls.crt\n${bench.log}`);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      api.rotate();
      const health = await ready(({ code }) => code === 503);
      expect(first(health)).toMatchObject({ state: 'failed', last_error: expect.stringContaining('EROFS') });
      expect(read(join(disk, 'tls.crt'))).toBe(before);
      execFileSync('mount', ['-o', 'remount,rw', disk]);
      await until(() => read(join(disk, 'tls.crt')) !== before, 'a new one');
    } finally {
      await bench.stop();
      execFileSync('umount', [disk]);
    }
  });

  it('to a folder that others can write: refused until that is over', async () => {
    chmodSync(bench.out, 0o777);
    bench.start(config());
    const health = await ready(({ outputs }) => outputs[0]?.state === 'failed');
    expect(first(health).last_error).toContain('has mode 0777: others can write it');
    expect(existsSync(bench.path('tls.key'))).toBe(false);
    chmodSync(bench.out, 0o755);
    await until(() => read(bench.path('tls.key')), 'a key');
  });

  asRoot('to somebody else’s folder: refused, and written with --accept-shared-folders', async () => {
    chownSync(bench.out, 4711, 4711);
    bench.start(config());
    const health = await ready(({ outputs }) => outputs[0]?.state === 'failed');
    expect(first(health).last_error).toContain('belongs to uid 4711');
    await bench.stop();
    bench.start(config(), { flags: ['--accept-shared-folders'] });
    await until(() => read(bench.path('tls.key')), 'a key');
  });
});

/** Until not one byte more fits. */
function fill(disk: string): void {
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      writeFileSync(join(disk, 'filler'), Buffer.alloc(size), { flag: 'a' });
      size *= 2;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
