// SPDX-License-Identifier: Apache-2.0
/** The units of packaging/systemd under a real system manager, installed as docs/install.md says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { top } from '../support/daemon.ts';
import { PATIENCE_MS } from '../support/inside-caller.ts';
import { pageBlock } from '../support/page-block.ts';
import { describeWithSystemd } from '../support/testbed.ts';

const WORKLOAD = '/run/assay/workload/api.sock';
const CONFIG = '/etc/assay/assay.yaml';
const UNITS = ['assay.service', 'assay-workload.socket', 'assay-admin.socket'] as const;
const PERMISSION_DENIED = 7;
const page = 'docs/install.md';
/** CAP_DAC_READ_SEARCH, CAP_NET_ADMIN and CAP_SYS_PTRACE, as bits (capability.h). */
const CAPABILITIES = ((1n << 2n) | (1n << 12n) | (1n << 19n)).toString(16).padStart(16, '0');

describeWithSystemd('the systemd units', (machine) => {
  const show = async (unit: string, property: string): Promise<string> =>
    (await machine.must('systemctl', 'show', '--value', '-p', property, unit)).trim();
  const daemonPid = (): Promise<string> => show('assay.service', 'MainPID');
  const assay = (...words: readonly string[]) => machine.must('assay', ...words);
  const becomes = async (unit: string, property: string, wanted: string): Promise<void> => {
    for (const until = Date.now() + PATIENCE_MS; ; await sleep(50)) {
      const is = await show(unit, property);
      if (is === wanted) return;
      if (Date.now() > until) throw new Error(`${property} of ${unit} is ${is}, not ${wanted}`);
    }
  };
  const idsOf = async (socket: { at(n: number): Promise<{ svids: readonly { spiffe_id: string }[] }> }) =>
    (await socket.at(1)).svids.map(({ spiffe_id }) => spiffe_id);
  /** The inode that each path is bound to. */
  const sockets = async (): Promise<string> => {
    const lines = (await machine.must('cat', '/proc/net/unix')).split('\n').map((line) => line.split(/\s+/));
    const listening = lines.filter(([, , , flags]) => flags === '00010000');
    const ours = listening.filter(([, , , , , , , path]) => path?.startsWith('/run/assay'));
    return ours
      .map(([, , , , , , inode, path]) => `${path} ${inode}`)
      .sort()
      .join('\n');
  };
  const withDropIn = async (text: string, body: () => Promise<void>): Promise<void> => {
    const folder = '/run/systemd/system/assay.service.d';
    await machine.must('mkdir', '-p', folder);
    await machine.write(`${folder}/test.conf`, text);
    await machine.must('systemctl', 'daemon-reload');
    try {
      await body();
    } finally {
      await machine.must('rm', '-r', folder);
      await machine.must('systemctl', 'daemon-reload');
    }
  };

  beforeAll(async () => {
    // In place of `npm install --global`, for which the machine has no npm.
    const commands = pageBlock(page, 'sh', 'assay/packaging/systemd').replace(/"\$\(npm root --global\)"\/assay/, top);
    expect(commands).toContain(`${top}/packaging/systemd/`);
    await machine.must('ln', '-s', join(top, 'bin/assay'), '/usr/local/bin/assay');
    await machine.must('sh', '-euc', commands);
  }, 120_000);

  it('pass systemd-analyze verify without a word', async () => {
    const { code, stdout, stderr } = await machine.exec('systemd-analyze', 'verify', ...UNITS);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' });
  });

  it('start the daemon, which finds nothing amiss', async () => {
    for (const unit of UNITS) expect(await show(unit, 'ActiveState')).toBe('active');
    for (const unit of UNITS) expect((await machine.exec('systemctl', 'is-enabled', unit)).stdout).toBe('enabled\n');
    const { checks } = JSON.parse(await assay('doctor', '--output', 'json')) as { checks: Record<string, string>[] };
    // How many descriptors and which reports of the kernel there are is the test machine's.
    const odd = checks.filter(({ name, status }) => status !== 'ok' && name !== 'descriptors');
    expect(odd.filter(({ name }) => name !== 'callers')).toEqual([]);
    expect(await machine.must('stat', '-c', '%a %u', '/var/lib/assay')).toBe('700 0\n');
  });

  it('A10: give a unit its identity, and nobody outside', async () => {
    await assay('entry', 'create', '--spiffe-id', 'spiffe://example.org/web', '--selector', 'systemd:id:web.service');
    const web = await machine.callerInUnit('web.service', ['User=33']);
    expect(await idsOf(web.call(WORKLOAD))).toEqual(['spiffe://example.org/web']);
    await web.kill();
    const outside = await machine.caller({ uid: 33 });
    expect(await outside.call(WORKLOAD).end).toMatchObject({ code: PERMISSION_DENIED });
    await outside.kill();
  });

  it('leave the daemon what it needs to look at an executable that only its uid may read', async () => {
    const file = '/srv/own/sleep';
    await machine.must('install', '-d', '-m', '700', '-o', '33', '/srv/own');
    await machine.must('install', '-m', '700', '-o', '33', '/bin/sleep', file);
    await machine.must('systemd-run', '--quiet', '--unit=own.service', '-p', 'User=33', file, '1000');
    await becomes('own.service', 'SubState', 'running');
    const [digest = ''] = (await machine.must('sha256sum', file)).split(' ');
    const { stdout } = await machine.exec('assay', 'explain', '--pid', await show('own.service', 'MainPID'));
    for (const selector of ['unix:uid:33', `unix:path:${file}`, `unix:sha256:${digest}`, 'systemd:id:own.service'])
      expect(stdout).toContain(` ${selector}\n`);
    await machine.must('systemctl', 'stop', 'own.service');
  });

  it('leave the daemon in the namespaces of the machine, with three capabilities and a filter', async () => {
    const pid = await daemonPid();
    for (const kind of ['mnt', 'pid', 'user', 'net', 'cgroup'])
      expect(await machine.must('readlink', `/proc/${pid}/ns/${kind}`)).toBe(
        await machine.must('readlink', `/proc/1/ns/${kind}`),
      );
    const status = await machine.must('cat', `/proc/${pid}/status`);
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toContain(`${set}:\t${CAPABILITIES}\n`);
    for (const line of ['CapInh:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2']) expect(status).toContain(line);
    const security = await machine.exec('systemd-analyze', 'security', '--threshold=42', 'assay.service');
    expect({ code: security.code, said: security.stdout.slice(-200) }).toMatchObject({ code: 0 });
  });

  it('WEP-19: hand the listening sockets to the daemon and to none of its helpers', async () => {
    const inodes = [...(await sockets()).matchAll(/ (\d+)$/gm)].map(([, inode]) => `socket:[${inode}]`);
    expect(inodes).toHaveLength(2);
    const daemon = await daemonPid();
    const group = await machine.must('cat', `/proc/${daemon}/cgroup`);
    const held = new Map<string, string>();
    for (const pid of (await machine.must('ls', '/proc')).split('\n').filter((name) => /^\d+$/.test(name))) {
      if ((await machine.exec('cat', `/proc/${pid}/cgroup`)).stdout !== group) continue;
      held.set(pid, (await machine.exec('sh', '-c', `ls -l /proc/${pid}/fd`)).stdout);
    }
    expect(held.size).toBeGreaterThan(1);
    for (const inode of inodes)
      expect([...held].filter(([, files]) => files.includes(inode)).map(([pid]) => pid)).toEqual([daemon]);
  });

  it('keep the sockets while the daemon is started anew; who connects meanwhile is served', async () => {
    const before = { pid: await daemonPid(), sockets: await sockets() };
    const web = await machine.callerInUnit('web.service');
    await withDropIn('[Service]\nExecStartPre=sleep 3\n', async () => {
      await machine.must('systemctl', 'restart', '--no-block', 'assay.service');
      await becomes('assay.service', 'SubState', 'start-pre');
      const call = web.call(WORKLOAD);
      expect(await show('assay.service', 'SubState')).toBe('start-pre');
      expect(await idsOf(call)).toEqual(['spiffe://example.org/web']);
    });
    expect(await daemonPid()).not.toBe(before.pid);
    expect(await sockets()).toBe(before.sockets);
    await web.kill();
  });

  it('start the daemon for the first who connects', async () => {
    await machine.must('systemctl', 'stop', 'assay.service');
    expect(await show('assay.service', 'ActiveState')).toBe('inactive');
    const web = await machine.callerInUnit('web.service');
    expect(await idsOf(web.call(WORKLOAD))).toEqual(['spiffe://example.org/web']);
    await web.kill();
    await becomes('assay.service', 'ActiveState', 'active');
  });

  it('let a second daemon refuse to start', async () => {
    const before = await daemonPid();
    const second = await machine.exec('assay', 'run', '--config', CONFIG);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by the daemon') });
    expect(await daemonPid()).toBe(before);
    expect(await assay('health')).toMatch(/^green/);
  });

  it('keep the sockets open while the daemon cannot start, and serve when it can', async () => {
    const before = await sockets();
    const good = await machine.must('cat', CONFIG);
    await machine.write(CONFIG, 'trust_domain: example.org\nno_such_key: 1\n');
    await machine.must('systemctl', 'restart', '--no-block', 'assay.service');
    const web = await machine.callerInUnit('web.service');
    const call = web.call(WORKLOAD);
    for (let tries = 0; Number(await show('assay.service', 'NRestarts')) < 7; tries += 1) {
      expect(tries).toBeLessThan(200);
      await sleep(200);
    }
    expect(await sockets()).toBe(before);
    await machine.write(CONFIG, good);
    expect(await idsOf(call)).toEqual(['spiffe://example.org/web']);
    await web.kill();
  });

  describe('with a group for the admin socket', () => {
    beforeAll(() => machine.must('sh', '-euc', pageBlock(page, 'sh', 'groupadd')));

    it('B3: open it to members and to nobody else', async () => {
      const gid = (await machine.must('getent', 'group', 'assay-admin')).split(':')[2] as string;
      expect(await machine.must('stat', '-c', '%a %g', '/run/assay-admin')).toBe(`750 ${gid}\n`);
      expect(await machine.must('stat', '-c', '%a %g', '/run/assay-admin/admin.sock')).toBe(`660 ${gid}\n`);
      const role = '{ role: registrar, uid: 33, spiffe_id_prefix: spiffe://example.org/web/ }';
      const lines = `sockets: { admin_group: assay-admin }\nadmin: { roles: [ ${role} ] }`;
      await machine.must('usermod', '-aG', 'assay-admin', 'www-data');
      await machine.must('sh', '-c', `echo '${lines}' >>${CONFIG}`);
      await machine.must('systemctl', 'restart', 'assay.service');
      const as = (group: string) =>
        machine.exec('setpriv', '--reuid=33', `--regid=${group}`, '--clear-groups', 'assay', 'health');
      expect(await as(gid)).toMatchObject({ code: 0, stderr: '' });
      expect(await as('33')).toMatchObject({ code: 1, stderr: expect.stringContaining('/run/assay-admin') });
    });
  });

  it('are what the page says of them', () => {
    const unit = readFileSync(join(top, 'packaging/systemd/assay.service'), 'utf8');
    const [, named = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(unit) ?? [];
    const said = readFileSync(join(top, page), 'utf8');
    for (const capability of named.split(' ')) expect(said).toContain(`| \`${capability}\` |`);
  });
});
