// SPDX-License-Identifier: Apache-2.0
/** Attack B3: sockets and data lie in folders of their own, none inside another. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');

interface Places {
  readonly workload?: string;
  readonly admin?: string;
  readonly task?: string;
  readonly data?: string;
}

async function problemsOf({
  workload = '/r/w/api.sock',
  admin = '/r/a/admin.sock',
  task = '/r/t',
  data = '/r/d',
}: Places) {
  const yaml = `data_dir: ${data}\nsockets:\n  workload: ${workload}\n  admin: ${admin}\n  task_dir: ${task}\n`;
  return (await inspect(dir, { yaml })).problems;
}

describe('folders', () => {
  it('pass when they are apart, also when one name begins with another', async () => {
    expect(await problemsOf({})).toEqual([]);
    expect(await problemsOf({ workload: '/r/as/api.sock', admin: '/r/assay/admin.sock' })).toEqual([]);
  });

  it.each([
    ['admin in the workload folder', { admin: '/r/w/admin.sock' }, 'sockets'],
    ['admin below the workload folder', { admin: '/r/w/a/admin.sock' }, 'sockets.admin'],
    ['workload below the admin folder', { workload: '/r/a/w/api.sock' }, 'sockets.workload'],
    ['tasks below the workload folder', { task: '/r/w/t' }, 'sockets.task_dir'],
    ['workload below the task folder', { task: '/r' }, 'sockets.workload'],
    ['data below the workload folder', { data: '/r/w/data' }, 'data_dir'],
    ['the workload socket in the data folder', { workload: '/r/d/api.sock' }, ''],
    ['a folder written with a detour', { admin: '/r/./w//a/admin.sock' }, 'sockets.admin'],
  ])('B3: %s is refused', async (_, places, field) => {
    const [problem] = await problemsOf(places);
    expect(problem?.field).toContain(field);
    expect(problem?.message).toMatch(/lies within the folder of|is also the folder of/);
    expect(problem?.hint).toContain('a folder of its own');
  });

  it('B3: a link does not hide that one lies inside another', async () => {
    mkdirSync(join(dir, 'real'));
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    const [problem] = await problemsOf({ workload: join(dir, 'real/api.sock'), admin: join(dir, 'link/a/admin.sock') });
    expect(problem?.field).toContain('sockets.admin');
  });

  it.each([
    ['relative', 'run/api.sock', /is not absolute/],
    ['with a home', '~/api.sock', /is not absolute/],
    ['with a way back', '/run/../tmp/api.sock', /".." segment/],
    ['in the root folder', '/api.sock', /root folder/],
    ['of 108 bytes', `/${'x'.repeat(98)}/api.sock`, /has 108 bytes; the kernel allows a socket path 107/],
    ['of 108 bytes in fewer characters', `/${'é'.repeat(49)}/api.sock`, /has 108 bytes/],
    ['with a control character', '"/run/a\\u0007/api.sock"', /control character/],
  ])('refuse a socket path %s', async (_, workload, reason) => {
    const [problem] = await problemsOf({ workload });
    expect(problem?.field).toBe('sockets.workload (assay.yaml:3)');
    expect(problem?.message).toMatch(reason);
  });

  it('take a socket path of 107 bytes', async () => {
    expect(await problemsOf({ workload: `/${'x'.repeat(97)}/api.sock` })).toEqual([]);
  });
});
