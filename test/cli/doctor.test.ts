// SPDX-License-Identifier: Apache-2.0
/** `assay doctor` with a daemon. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assayHere } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.close());

interface Seen {
  readonly name: string;
  readonly status: string;
  readonly text: string;
}

const doctor = async (
  ...args: string[]
): Promise<{ code: number | null; names: readonly string[]; checks: readonly Seen[] }> => {
  const { code, out } = await assayHere(['doctor', ...args, '-o', 'json']);
  const { checks } = JSON.parse(out) as { checks: readonly Seen[] };
  return { code, checks, names: checks.map(({ name }) => name) };
};

describe('assay doctor', () => {
  it('asks the daemon, and says who asks', async () => {
    const { code, checks, names } = await doctor('--admin-socket', daemon.adminSocket);
    expect(code).toBe(0);
    expect(checks[0]).toMatchObject({ name: 'daemon', status: 'ok' });
    expect(checks[1]).toMatchObject({
      name: 'this user',
      text: `uid ${process.getuid!()} may read and write everything`,
    });
    expect(names).not.toContain('configuration');
    for (const name of [
      'daemon uid',
      'callers',
      'executables',
      'descriptors',
      'clock',
      'authority',
      'store',
      'entry TTLs',
    ]) {
      expect(names).toContain(name);
    }
  });

  it('looks at folders, sockets and disk as the daemon sees them', async () => {
    const { checks } = await doctor('--admin-socket', daemon.adminSocket);
    const of = (name: string): Seen | undefined => checks.find((check) => check.name === name);
    expect(of('data folder')).toMatchObject({ status: 'ok', text: `${daemon.dataDir} has mode 0700` });
    expect(of('durability')?.text).toMatch(/synced write takes|lies in memory/);
    expect(of('workload folder')?.status).toBe('ok');
    expect(of('admin folder')?.status).toBe('ok');
  });

  it('looks at the configuration when one is named', async () => {
    const { names } = await doctor('--config', daemon.configFile);
    expect(names[0]).toBe('configuration');
    expect(names).toContain('daemon');
  });
});
