// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { DigestCache } from '../../src/peer/digest-cache.ts';
import type { FileFacts } from '../../src/peer/statx.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock(1_000_000);
const long_ago = 1_000_000_000n;
const file: FileFacts = {
  device: 1n,
  inode: 2n,
  regular: true,
  size: 10n,
  modifiedNs: long_ago,
  changedNs: long_ago,
  birthTimeNs: 5n,
  mountId: 7n,
  mountIdUnique: true,
};

describe('a digest', () => {
  it('is remembered for a file on a disk of this machine', () => {
    const cache = new DigestCache(clock);
    cache.put(file, true, 'abc');
    expect(cache.get(file, true)).toBe('abc');
  });

  it.each<[string, Partial<FileFacts>]>([
    ['inode', { inode: 3n }],
    ['device', { device: 3n }],
    ['mount', { mountId: 8n }],
    ['birth time', { birthTimeNs: 6n }],
    ['size', { size: 11n }],
    ['modification time', { modifiedNs: long_ago + 1n }],
    ['change time', { changedNs: long_ago + 1n }],
  ])('A8: is not another file’s: %s', (_what, difference) => {
    const cache = new DigestCache(clock);
    cache.put(file, true, 'abc');
    expect(cache.get({ ...file, ...difference }, true)).toBeUndefined();
  });

  it('A8: of a FUSE, network or foreign mount is never kept', () => {
    const cache = new DigestCache(clock);
    cache.put(file, false, 'abc');
    expect(cache.get(file, true)).toBeUndefined();
    cache.put(file, true, 'abc');
    expect(cache.get(file, false)).toBeUndefined();
  });

  it.each<[string, Partial<FileFacts>]>([
    ['mount id may be reused', { mountIdUnique: false }],
    ['birth time is not kept', { birthTimeNs: 0n }],
  ])('A8: of a file whose %s is not kept', (_what, difference) => {
    const cache = new DigestCache(clock);
    cache.put({ ...file, ...difference }, true, 'abc');
    expect(cache.get({ ...file, ...difference }, true)).toBeUndefined();
  });

  it('A8: of a file changed a moment ago is not kept: the next write may carry the same time', async () => {
    const cache = new DigestCache(clock);
    const fresh = { ...file, changedNs: BigInt(clock.now() - 1_500) * 1_000_000n };
    cache.put(fresh, true, 'abc');
    expect(cache.get(fresh, true)).toBeUndefined();
    await clock.advance(1_000);
    expect(cache.get(fresh, true)).toBeUndefined();
    cache.put(fresh, true, 'abc');
    expect(cache.get(fresh, true)).toBe('abc');
  });

  it('gives way to newer ones: the least recently asked for goes first', () => {
    const cache = new DigestCache(clock);
    cache.put(file, true, 'kept');
    cache.put({ ...file, inode: 3n }, true, 'old');
    for (let inode = 10n; inode < 10n + 1_022n; inode += 1n) cache.put({ ...file, inode }, true, String(inode));
    expect(cache.get(file, true)).toBe('kept');
    cache.put({ ...file, inode: 5_000n }, true, 'new');
    expect(cache.get(file, true)).toBe('kept');
    expect(cache.get({ ...file, inode: 3n }, true)).toBeUndefined();
  });
});
