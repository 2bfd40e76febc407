// SPDX-License-Identifier: Apache-2.0
/** `assay run`: what keeps it from starting, and what it says. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { AF_UNIX, bindSocket, closeFd, openSocket, receiveBytes, SOCK_DGRAM } from '../../src/peer/native.ts';
import { assay } from '../support/cli.ts';
import { Daemon, top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('run');
let count = 0;

function places(): readonly string[] {
  const at = join(dir, String(count++));
  mkdirSync(at);
  return [
    '--data-dir',
    join(at, 'd'),
    '--workload-socket',
    join(at, 'w/api.sock'),
    '--admin-socket',
    join(at, 'a/admin.sock'),
  ];
}

describe('assay run', () => {
  it.each([
    ['no trust domain', [], {}, /trust_domain|trust domain/],
    ['a bad trust domain', ['--trust-domain', 'Example'], {}, /--trust-domain "Example" is refused/],
    ['a bad flag value', ['--trust-domain', 'a.b', '--log-level', 'loud'], {}, /--log-level: "loud" is none of/],
    ['a configuration that is not there', ['--config', '/none.yaml'], {}, /--config: \/none.yaml does not exist/],
    ['a bad variable', ['--trust-domain', 'a.b'], { ASSAY_CA_TTL: '1' }, /ASSAY_CA_TTL: "1" is no duration/],
  ])('does not start with %s, and says why', async (_, args, env, message) => {
    const { code, out, err } = await assay(['run', ...places(), ...args], { env });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n {4}at /);
  });

  it('does not start on a data folder that others can read', async () => {
    const flags = places();
    mkdirSync(flags[1] as string);
    chmodSync(flags[1] as string, 0o755);
    const { code, err } = await assay(['run', '--trust-domain', 'a.b', ...flags]);
    expect(code).toBe(1);
    expect(err).toContain(flags[1]);
    expect(err).toMatch(/next: /);
  });

  it('A13: does not start on a configuration that others can write', async () => {
    const file = join(dir, 'loose.yaml');
    writeFileSync(file, 'trust_domain: a.b\n');
    chmodSync(file, 0o666);
    const { code, err } = await assay(['run', '--config', file]);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(`chmod go-w ${file}`) });
  });

  it('does not start a second time on the same data, and leaves the first alone', async () => {
    const daemon = await Daemon.start();
    const second = await assay(['run', '--config', daemon.configFile]);
    expect(second).toMatchObject({ code: 1, out: '' });
    await daemon.admin.call('GetHealth');
    await daemon.close();
  });

  it('says that it is ready as JSON, on one line of standard output', async () => {
    const daemon = new Daemon();
    const started = assay(['run', '--config', daemon.configFile, '-o', 'json']);
    for (let answered = false; !answered; )
      answered = await daemon.admin.call('GetHealth', {}, 500).then(
        () => true,
        () => false,
      );
    const { daemon_pid } = await daemon.admin.call('WhoAmI');
    process.kill(daemon_pid, 'SIGTERM');
    const { code, out } = await started;
    expect(code).toBe(0);
    expect(out.split('\n')).toHaveLength(2);
    expect(JSON.parse(out)).toEqual({
      ready: {
        trust_domain: 'example.org',
        workload_socket: daemon.workloadSocket,
        admin_socket: daemon.adminSocket,
        pid: daemon_pid,
      },
    });
    await daemon.close();
  });

  it('goes on when nobody reads what it prints', async () => {
    const daemon = new Daemon({
      command: ['sh', '-c', `"${join(top, 'bin/assay')}" "$@" 2>&1 | true; sleep 60`, 'sh'],
    });
    daemon.launch();
    for (let answered = false; !answered; ) {
      answered = await daemon.admin.call('GetHealth', {}, 500).then(
        () => true,
        () => false,
      );
    }
    for (let i = 0; i < 50; i++) await daemon.admin.call('DeleteEntry', { id: 'none' }).catch(() => undefined);
    const { daemon_pid } = await daemon.admin.call('WhoAmI');
    process.kill(daemon_pid, 'SIGTERM');
    await daemon.kill();
    await daemon.close();
  });

  it('tells the service manager that it serves, and that it stops', async () => {
    const socket = join(dir, 'notify');
    const fd = openSocket(AF_UNIX, SOCK_DGRAM, 0);
    bindSocket(fd, Buffer.from(`\u0001\u0000${socket}\u0000`, 'latin1'));
    const heard = (): string => {
      const bytes = Buffer.alloc(64);
      return bytes.toString('latin1', 0, receiveBytes(fd, bytes));
    };
    const daemon = await Daemon.start({ env: { NOTIFY_SOCKET: socket } });
    while (!daemon.output.includes('ready:')) await sleep(20);
    await sleep(200);
    expect(heard()).toBe('READY=1');
    await daemon.stop();
    expect(heard()).toBe('STOPPING=1');
    closeFd(fd);
    await daemon.close();
  });
});
