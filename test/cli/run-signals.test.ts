// SPDX-License-Identifier: Apache-2.0
/** `assay run` and the signals it gets. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';

const node = execFileSync(join(top, 'tools/node/run'), ['-p', 'process.execPath'], { encoding: 'utf8' }).trim();
const bare = [node, '--no-warnings', join(top, 'src/main.ts')];

let daemon: Daemon;
afterEach(() => daemon.close());

/** The process's listening TCP sockets, as the kernel has them. */
function listeners(pid: number): string[] {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed since it was listed.
    }
  }
  const rows = ['tcp', 'tcp6'].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n').slice(1));
  const listening = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === '0A');
  return listening.filter((row) => inodes.has(row[9] as string)).map((row) => row[1] as string);
}

describe('SIGUSR1', () => {
  it.each([
    ['as it is started', undefined],
    ['without the flag that disables it', bare],
  ])('B1: opens no listener in the daemon, %s', async (_, command) => {
    daemon = await Daemon.start(command === undefined ? {} : { command });
    process.kill(daemon.pid, 'SIGUSR1');
    await sleep(500);
    expect(listeners(daemon.pid)).toEqual([]);
    await daemon.admin.call('GetHealth');
    expect(daemon.output).not.toContain('Debugger listening');
  });

  it('B1: NODE_OPTIONS of the caller loads nothing into the daemon', async () => {
    daemon = await Daemon.start({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
    expect(listeners(daemon.pid)).toEqual([]);
  });
});

describe('SIGTERM', () => {
  it('ends the daemon with status 0, its sockets removed', async () => {
    daemon = await Daemon.start();
    expect(daemon.output).toMatch(
      /^ready: example\.org; workloads: unix:\/\/.*api\.sock; admin: .*; next: assay entry create --admin-socket /m,
    );
    expect(await daemon.stop()).toBe(0);
    expect(existsSync(daemon.workloadSocket)).toBe(false);
    expect(existsSync(daemon.adminSocket)).toBe(false);
    expect(daemon.output).toContain('stopped');
  });

  it('leaves what SIGHUP finds running', async () => {
    daemon = await Daemon.start();
    process.kill(daemon.pid, 'SIGHUP');
    await sleep(200);
    await daemon.admin.call('GetHealth');
  });
});
