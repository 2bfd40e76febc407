// SPDX-License-Identifier: Apache-2.0
/** The test bed's systemd does what other tests rely on. */
import { expect, it } from '@jest/globals';
import { describeWithSystemd } from '../support/testbed.ts';

describeWithSystemd('a machine with systemd', (machine) => {
  it('has systemd as PID 1 and a bus that answers', async () => {
    expect(await machine.must('cat', '/proc/1/comm')).toBe('systemd\n');
    expect(await machine.must('busctl', '--no-pager', 'list')).toContain('org.freedesktop.systemd1');
  });

  it('has callers in a unit, and outside any', async () => {
    const inside = await machine.callerInUnit('payments.service', ['User=www-data']);
    const look = await inside.look();
    expect(look.cgroup).toContain(':/system.slice/payments.service\n');
    expect(look.uid).toBe(33);
    const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
    const unit = await machine.must('busctl', 'call', ...manager, 'GetUnitByPID', 'u', String(look.pid));
    expect(unit).toBe('o "/org/freedesktop/systemd1/unit/payments_2eservice"\n');
    const outside = await machine.caller();
    expect((await outside.look()).cgroup).not.toContain('.service');
    await inside.kill();
    await outside.exit();
    expect((await machine.exec('systemctl', 'is-active', 'payments.service')).stdout).toBe('inactive\n');
  });

  it('starts a unit from a file, which is its fragment', async () => {
    await machine.startUnit('sleeper.service', '[Service]\nExecStart=/bin/sleep 1000\n');
    expect(await machine.must('systemctl', 'show', '-p', 'FragmentPath', 'sleeper.service')).toBe(
      'FragmentPath=/etc/systemd/system/sleeper.service\n',
    );
  });

  it('runs the checkout', async () => {
    const program = machine.script('test/support/commanded-caller.ts');
    expect(await program.heard('ready')).toMatchObject({ uid: 0 });
  });
});
