// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tempDir } from '../support/temp-dir.ts';

const SOURCE = resolve(import.meta.dirname, '../../src/cli/compile-cache.ts');

describe('the compile cache', () => {
  const folder = tempDir('cache');
  let count = 0;

  /** Where Node keeps compiled code after `useCompileCache`, asked in a process of its own. */
  const cacheOf = (prepare: (dataDir: string) => void): string => {
    const dataDir = join(folder, `d${count++}`);
    prepare(dataDir);
    const program = `
      const { useCompileCache } = await import(${JSON.stringify(SOURCE)});
      const { getCompileCacheDir } = await import('node:module');
      useCompileCache(${JSON.stringify(dataDir)}, process.getuid());
      process.stdout.write(getCompileCacheDir() ?? 'none');`;
    return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout;
  };

  it('lies in the data folder when that is ours alone', () => {
    expect(cacheOf((dataDir) => mkdirSync(dataDir, { mode: 0o700 }))).toContain('compile-cache');
  });

  it('B2: is not used when others can reach the data folder, or the cache', () => {
    const loose = (dataDir: string): void => {
      mkdirSync(dataDir);
      chmodSync(dataDir, 0o755);
    };
    expect(cacheOf(loose)).toBe('none');
    const looseCache = (dataDir: string): void => {
      mkdirSync(dataDir, { mode: 0o700 });
      mkdirSync(join(dataDir, 'compile-cache'));
      chmodSync(join(dataDir, 'compile-cache'), 0o777);
    };
    expect(cacheOf(looseCache)).toBe('none');
  });

  it('B2: is not used through a symbolic link', () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    const linked = (dataDir: string): void => {
      mkdirSync(dataDir, { mode: 0o700 });
      symlinkSync(elsewhere, join(dataDir, 'compile-cache'));
    };
    expect(cacheOf(linked)).toBe('none');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('makes no data folder', () => {
    expect(cacheOf(() => undefined)).toBe('none');
    expect(existsSync(join(folder, `d${count - 1}`))).toBe(false);
  });
});
