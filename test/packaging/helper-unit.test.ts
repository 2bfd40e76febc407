// SPDX-License-Identifier: Apache-2.0
/** `assay-helper@.service` beside the daemon's units under a real system manager, as docs/install.md says. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { top } from '../support/daemon.ts';
import { pageBlock } from '../support/page-block.ts';
import { describeWithSystemd } from '../support/testbed.ts';

const UNIT = 'assay-helper@web.service';
const FOLDER = '/var/lib/assay-helper/web';
const page = 'docs/install.md';

describeWithSystemd('the unit of assay helper', (machine) => {
  beforeAll(async () => {
    const install = pageBlock(page, 'sh', 'assay/packaging/systemd').replace(/"\$\(npm root --global\)"\/assay/, top);
    await machine.must('ln', '-s', join(top, 'bin/assay'), '/usr/local/bin/assay');
    await machine.must('sh', '-euc', install);
    // The checkout may lie where the sandbox shows nothing.
    const folders = [top, realpathSync(join(top, 'node_modules'))].join(' ');
    const dropIn = `/run/systemd/system/${UNIT}.d`;
    await machine.must('mkdir', '-p', dropIn);
    await machine.write(`${dropIn}/test.conf`, `[Service]\nBindReadOnlyPaths=${folders}\n`);
    await machine.must('systemctl', 'daemon-reload');
    try {
      await machine.must('sh', '-euc', pageBlock(page, 'sh', UNIT));
    } catch (cause) {
      throw new Error((await machine.exec('journalctl', '--no-pager', '-u', UNIT)).stdout.slice(-4_096), { cause });
    }
  }, 120_000);

  it('passes systemd-analyze verify without a word', async () => {
    const { code, stdout, stderr } = await machine.exec('systemd-analyze', 'verify', UNIT);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' });
    const security = await machine.exec('systemd-analyze', 'security', '--no-pager', '--threshold=25', UNIT);
    expect({ code: security.code, said: security.stdout.slice(-80) }).toMatchObject({ code: 0 });
  });

  it('is up once the files are there, which belong to their owner', async () => {
    expect((await machine.exec('systemctl', 'is-active', UNIT)).stdout).toBe('active\n');
    const seen = await machine.must('sh', '-c', `cd ${FOLDER} && stat -L -c '%n %a %U' *`);
    expect(seen).toBe('ca.crt 644 www-data\ntls.crt 644 www-data\ntls.key 600 www-data\n');
    expect(await machine.must('cat', `${FOLDER}/tls.crt`)).toContain('BEGIN CERTIFICATE');
  });

  it('A10: has its identity by its name', async () => {
    const pid = (await machine.must('systemctl', 'show', '--value', '-p', 'MainPID', UNIT)).trim();
    expect(await machine.must('assay', 'explain', '--pid', pid)).toContain(`systemd:id:${UNIT}`);
    const { svids = [] } = JSON.parse(await machine.must('assay', 'svid', 'list', '--output', 'json'));
    expect(svids).toContainEqual(expect.objectContaining({ spiffe_id: 'spiffe://example.org/web' }));
  });

  it('keeps running, and its files, while the daemon is started anew', async () => {
    const before = await machine.must('systemctl', 'show', '--value', '-p', 'MainPID', UNIT);
    await machine.must('systemctl', 'restart', 'assay.service');
    expect(await machine.must('systemctl', 'show', '--value', '-p', 'MainPID', UNIT)).toBe(before);
    expect(await machine.must('cat', `${FOLDER}/tls.key`)).toContain('PRIVATE KEY');
  });
});
