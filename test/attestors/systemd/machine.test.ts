// SPDX-License-Identifier: Apache-2.0
/** A daemon beside a real system manager: as root, over its own socket, and as another uid, over the system bus. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { CallRecord } from '../../support/call-record.ts';
import { top } from '../../support/daemon.ts';
import { type InsideCaller, PATIENCE_MS } from '../../support/inside-caller.ts';
import type { SystemdMachine } from '../../support/systemd-machine.ts';
import { describeWithSystemd } from '../../support/testbed.ts';

const assay = join(top, 'bin/assay');
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const SLEEPER = '[Service]\nExecStart=/bin/sleep 1000\n';

/** A daemon in the machine, outside any unit. */
class DaemonInside {
  readonly home: string;
  readonly #machine: SystemdMachine;
  readonly #uid: number;

  constructor(machine: SystemdMachine, uid: number) {
    this.#machine = machine;
    this.#uid = uid;
    this.home = `/srv/assay-${uid}`;
  }

  get socket(): string {
    return `${this.home}/w/api.sock`;
  }

  async start(): Promise<void> {
    const { home } = this;
    await this.#machine.must('mkdir', '-p', home);
    const yaml = [
      'trust_domain: example.org',
      `data_dir: ${home}/data`,
      `sockets: { workload: ${home}/w/api.sock, admin: ${home}/a/admin.sock, task_dir: ${home}/t }`,
      'attestors: { unix: {}, systemd: {} }',
    ];
    await this.#machine.write(`${home}/assay.yaml`, `${yaml.join('\n')}\n`);
    await this.#machine.must('chown', '-R', String(this.#uid), home);
    const program = this.#machine.script(
      'bin/assay',
      ['run', '--config', `${home}/assay.yaml`],
      this.#uid === 0 ? {} : { uid: this.#uid },
    );
    const until = Date.now() + PATIENCE_MS;
    while ((await this.#run('health')).code !== 0) {
      if (Date.now() > until) throw new Error(`the daemon does not serve: ${program.errors.slice(-2_048)}`);
      await sleep(200);
    }
  }

  async entry(id: string, ...selectors: readonly string[]): Promise<void> {
    const flags = selectors.flatMap((selector) => ['--selector', selector]);
    const { code, stderr } = await this.#run('entry', 'create', '--spiffe-id', `spiffe://example.org/${id}`, ...flags);
    if (code !== 0) throw new Error(stderr);
  }

  async explain(pid: number): Promise<string> {
    return (await this.#run('explain', '--pid', String(pid))).stdout;
  }

  async doctor(): Promise<string> {
    return (await this.#run('doctor')).stdout;
  }

  #run(...words: readonly string[]) {
    const as = this.#uid === 0 ? [] : ['setpriv', `--reuid=${this.#uid}`, `--regid=${this.#uid}`, '--clear-groups'];
    return this.#machine.exec(...as, assay, ...words, '--admin-socket', `${this.home}/a/admin.sock`);
  }
}

const idsOf = async (call: CallRecord, message = 1): Promise<string[]> =>
  (await call.at(message)).svids.map(({ spiffe_id }) => spiffe_id.replace('spiffe://example.org/', ''));

describeWithSystemd('the systemd attestor beside a real system manager', (machine) => {
  describe.each([
    ['as root', 0, 'over its own socket'],
    ['as another uid', 33, 'over the system bus'],
  ])('%s', (_who, uid) => {
    const daemon = new DaemonInside(machine, uid);
    const unit = (name: string): string => `${name}-${uid}.service`;
    /** A daemon that is not root looks at callers of its own uid only. */
    const who = uid === 0 ? [] : [`User=${uid}`];

    beforeAll(async () => {
      await daemon.start();
      await daemon.entry('payments', `systemd:id:${unit('payments')}`);
      await daemon.entry('filed', `systemd:fragment_path:/run/systemd/transient/${unit('filed')}`);
    }, 120_000);

    it('hears the manager', async () => {
      let report = await daemon.doctor();
      for (let tries = 0; tries < 20 && report.includes('it is being connected'); tries += 1)
        report = await daemon.doctor();
      expect(report).toMatch(/attestor systemd: +hears the system manager/);
    });

    it('A10: gives a unit its identity, and nobody outside', async () => {
      const inside = await machine.callerInUnit(unit('payments'), who);
      expect(await idsOf(inside.call(daemon.socket))).toEqual(['payments']);
      const outside = await machine.caller(uid === 0 ? {} : { uid });
      expect(await outside.call(daemon.socket).end).toMatchObject({ code: PERMISSION_DENIED });
      expect(await daemon.explain(outside.pid)).toMatch(/systemd.*in no unit of the system manager/);
      await outside.exit();
      await inside.kill();
    });

    it('gives the file of a unit that root alone can write', async () => {
      const inside = await machine.callerInUnit(unit('filed'), who);
      expect(await idsOf(inside.call(daemon.socket))).toEqual(['filed']);
      await inside.kill();
    });

    it('A10: is not deceived by a cgroup that a unit’s owner called as another unit', async () => {
      const evil = await machine.callerInUnit(unit('evil'), [`User=${uid === 0 ? 33 : uid}`, 'Delegate=yes']);
      const moved = await moveBelow(machine, evil, unit('payments'));
      expect(moved).toContain(`/${unit('evil')}/${unit('payments')}\n`);
      if (uid === 0) {
        expect(await evil.call(daemon.socket).end).toMatchObject({ code: PERMISSION_DENIED });
        expect(await daemon.explain(evil.pid)).toContain(`systemd:id:${unit('evil')}`);
      } else {
        expect(await evil.call(daemon.socket).end).toMatchObject({ code: PERMISSION_DENIED });
      }
      await evil.kill();
    });

    it('A10: ends the streams of a process that is moved to another unit, which then has that unit’s identity', async () => {
      for (const name of ['first', 'second']) {
        await machine.startUnit(unit(name), SLEEPER);
        await daemon.entry(name, `systemd:id:${unit(name)}`);
      }
      const moved = await callerBy(machine, unit('first'), who);
      const stream = moved.call(daemon.socket);
      expect(await idsOf(stream)).toEqual(['first']);
      await moveTo(machine, moved, unit('second'));
      await expect(stream.at(2)).rejects.toThrow(/the call ended/);
      expect(await idsOf(moved.call(daemon.socket))).toEqual(['second']);
      await moved.kill();
    });

    it('takes an identity away when the unit’s file is another one after a reload', async () => {
      const name = unit('sleeper');
      await machine.startUnit(name, SLEEPER);
      await daemon.entry('sleeper', `systemd:id:${name}`, `systemd:fragment_path:/etc/systemd/system/${name}`);
      const inside = await callerBy(machine, name, who);
      const stream = inside.call(daemon.socket);
      expect(await idsOf(stream)).toEqual(['sleeper']);
      await machine.must('mv', `/etc/systemd/system/${name}`, `/run/systemd/system/${name}`);
      await machine.must('systemctl', 'daemon-reload');
      expect(await stream.end).toMatchObject({ code: PERMISSION_DENIED });
      await inside.kill();
    });

    it('leaves out a file that somebody else could change', async () => {
      const name = unit('loose');
      await machine.startUnit(name, SLEEPER);
      await machine.must('chown', '33', `/etc/systemd/system/${name}`);
      const inside = await callerBy(machine, name, who);
      const explained = await daemon.explain(inside.pid);
      expect(explained).toContain(`systemd:id:${name}`);
      expect(explained).toContain('belongs to uid 33, who could change it');
      expect(explained).not.toMatch(/authority +systemd:fragment_path/);
      await inside.kill();
    });

    it('hears the manager again after that has executed itself anew', async () => {
      const inside = await machine.callerInUnit(unit('payments'), who);
      const stream = inside.call(daemon.socket);
      await stream.at(1);
      await machine.must('systemctl', 'daemon-reexec');
      for (let tries = 0; ; tries += 1) {
        expect(tries).toBeLessThan(100);
        const end = await Promise.race([
          inside
            .call(daemon.socket)
            .at(1)
            .then(() => 'served'),
          sleep(1_000, 'later'),
        ]).catch((error: Error) => error.message);
        if (end === 'served') break;
        expect(end === 'later' || end.includes(`"code":${UNAVAILABLE}`)).toBe(true);
        await sleep(100);
      }
      expect(stream.messages.length).toBe(1);
      await inside.kill();
    });
  });
});

/** Where the unified hierarchy is mounted, beside others or alone. */
async function hierarchy(machine: SystemdMachine): Promise<string> {
  const beside = await machine.exec('test', '-e', '/sys/fs/cgroup/unified/cgroup.procs');
  return beside.code === 0 ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
}

async function pathOf(caller: InsideCaller): Promise<string> {
  const { cgroup } = await caller.look();
  const line = cgroup.split('\n').find((one) => one.startsWith('0::')) ?? '';
  return line.slice(line.indexOf('/'));
}

/** Makes a cgroup below the caller's own, as the uid that the subtree was handed to, and puts the caller there. */
async function moveBelow(machine: SystemdMachine, caller: InsideCaller, name: string): Promise<string> {
  const folder = `${await hierarchy(machine)}${await pathOf(caller)}/${name}`;
  const script = `mkdir '${folder}' && echo ${caller.pid} > '${folder}/cgroup.procs'`;
  const { uid } = await caller.look();
  await machine.must('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', 'sh', '-c', script);
  return (await caller.look()).cgroup;
}

/** Root moves a process where it likes, and the manager is not told. */
async function moveTo(machine: SystemdMachine, caller: InsideCaller, name: string): Promise<void> {
  const folder = `${await hierarchy(machine)}/system.slice/${name}`;
  await machine.must('sh', '-c', `mkdir -p '${folder}' && echo ${caller.pid} > '${folder}/cgroup.procs'`);
}

/** A caller that root puts into a unit from a file: the manager started the unit, and has its file. */
async function callerBy(machine: SystemdMachine, name: string, who: readonly string[]): Promise<InsideCaller> {
  const caller = await machine.caller(who.length === 0 ? {} : { uid: 33 });
  await moveTo(machine, caller, name);
  return caller;
}
