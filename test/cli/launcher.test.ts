// SPDX-License-Identifier: Apache-2.0
/** bin/assay in a checkout and in a package made for the test, with programs that tell what it would have started. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('launcher');
chmodSync(folder, 0o700);
let count = 0;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: only root can give a folder to another uid');
const asRoot = isRoot ? it : it.skip;

/** `bin/assay` and nothing else, in a folder of its own. */
function place(): string {
  const home = join(folder, `p${count++}`);
  mkdirSync(join(home, 'bin'), { recursive: true });
  cpSync(join(top, 'bin/assay'), join(home, 'bin/assay'));
  return home;
}

function program(path: string, ...lines: string[]): void {
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
}

describe('in a checkout', () => {
  const checkout = (): { home: string; cache: string } => {
    const home = place();
    for (const part of ['src', 'tools/node', 'node_modules']) mkdirSync(join(home, part), { recursive: true });
    writeFileSync(join(home, 'src/main.ts'), '');
    program(join(home, 'tools/node/run'), 'printf %s "$NODE_COMPILE_CACHE"');
    return { home, cache: join(home, 'node_modules/.assay-cache') };
  };
  /** The compile cache that Node would be told of, if any. */
  const told = (home: string): string => {
    const env = { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: '/nowhere' };
    return spawnSync(join(home, 'bin/assay'), { encoding: 'utf8', env }).stdout;
  };

  it('stripped types are kept beside the packages, for their owner alone', () => {
    const { home, cache } = checkout();
    expect([told(home), told(home)]).toEqual([cache, cache]);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
  });

  const loose = (mode: number) => (cache: string) => {
    mkdirSync(cache);
    chmodSync(cache, mode);
  };
  it.each([
    ['that others can read', loose(0o755)],
    ['that others can write', loose(0o777)],
    ['behind a link', (cache: string) => symlinkSync(folder, cache)],
    ['that is a file', (cache: string) => writeFileSync(cache, '', { mode: 0o700 })],
  ])('B1: a cache %s is not used', (_, make) => {
    const { home, cache } = checkout();
    make(cache);
    expect(told(home)).toBe('');
  });

  asRoot('B1: nothing is kept among the packages of another uid, nor read from there', () => {
    const { home, cache } = checkout();
    chownSync(join(home, 'node_modules'), 1234, 1234);
    expect([told(home), existsSync(cache)]).toEqual(['', false]);
    const other = checkout();
    mkdirSync(other.cache, { mode: 0o700 });
    lchownSync(other.cache, 1234, 1234);
    expect(told(other.home)).toBe('');
  });
});

describe('in a package', () => {
  /** With a `node` of that version first on PATH. */
  const started = (version: string) => {
    const home = place();
    program(join(home, 'bin/node'), `[ "$1" = --version ] && { echo v${version}; exit; }`, 'echo started "$@"');
    const env = { PATH: [join(home, 'bin'), process.env['PATH']].join(delimiter) };
    const { stdout, stderr, status } = spawnSync(join(home, 'bin/assay'), ['x'], { encoding: 'utf8', env });
    return { stdout, stderr, status, main: join(home, 'dist/src/main.js') };
  };

  it.each(['22.18.0', '22.21.1', '24.0.0', '100.0.0'])('Node %s runs it', (version) => {
    const { stdout, main } = started(version);
    expect(stdout.trim()).toBe(`started --disable-sigusr1 --max-semi-space-size=4 ${main} x`);
  });

  it.each(['22.17.9', '20.20.2', '9.18.0'])('Node %s is refused by name', (version) => {
    const { stdout, stderr, status } = started(version);
    expect([stdout, status]).toEqual(['', 1]);
    expect(stderr).toContain(`is version ${version}; Assay needs Node 22.18 or newer`);
  });
});
