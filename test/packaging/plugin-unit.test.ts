// SPDX-License-Identifier: Apache-2.0
/** The daemon's unit with a plugin of another uid: not without the drop-in of docs/install.md, and with it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from '@jest/globals';
import { top } from '../support/daemon.ts';
import { PATIENCE_MS, programsFolder } from '../support/inside-caller.ts';
import { pageBlock } from '../support/page-block.ts';
import { describeWithSystemd } from '../support/testbed.ts';

const page = 'docs/install.md';

describeWithSystemd('the daemon’s unit with a plugin of another uid', (machine) => {
  const said = async (wanted: RegExp): Promise<string> => {
    for (const until = Date.now() + PATIENCE_MS; ; await sleep(200)) {
      const { stdout } = await machine.exec('assay', 'explain', '--pid', '1');
      if (wanted.test(stdout)) return stdout;
      if (Date.now() > until) throw new Error(`${wanted} not in: ${stdout}`);
    }
  };

  beforeAll(async () => {
    const command = [join(programsFolder(), 'node'), '--no-warnings', join(top, 'test/plugins/programs/plugin.ts')];
    const plugin = `{ command: ${JSON.stringify(command)}, uid: 33 }`;
    const install = pageBlock(page, 'sh', 'assay/packaging/systemd')
      .replace(/"\$\(npm root --global\)"\/assay/, top)
      .replace('attestors: { unix: {}, systemd: {} }', `attestors: { unix: {}, teams: ${plugin} }`);
    expect(install).toContain('teams:');
    await machine.must('ln', '-s', join(top, 'bin/assay'), '/usr/local/bin/assay');
    await machine.must('sh', '-euc', install.replace(/^(?:systemctl enable|assay doctor).*\n/gm, ''));
  }, 120_000);

  it('does not start without the drop-in', async () => {
    expect((await machine.exec('systemctl', 'start', 'assay.service')).code).not.toBe(0);
    expect(await machine.must('journalctl', '--no-pager', '-u', 'assay.service')).toMatch(/EPERM/);
  });

  it('asks it as that uid with the drop-in, and keeps no other capability', async () => {
    await machine.must('sh', '-euc', pageBlock(page, 'sh', 'plugin.conf'));
    await said(/teams does not apply: no team has this uid/);
    const pid = (await machine.must('systemctl', 'show', '--value', '-p', 'MainPID', 'assay.service')).trim();
    const bits = [0, 1, 2, 5, 6, 7, 12, 19].reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
    expect(await machine.must('cat', `/proc/${pid}/status`)).toContain(
      `CapBnd:\t${bits.toString(16).padStart(16, '0')}\n`,
    );
    const children = (await machine.must('cat', `/proc/${pid}/task/${pid}/children`)).trim().split(' ');
    const uids = await Promise.all(children.map((child) => machine.must('stat', '-c', '%u', `/proc/${child}`)));
    expect(uids.filter((uid) => uid === '33\n')).toHaveLength(1);
  });
});
