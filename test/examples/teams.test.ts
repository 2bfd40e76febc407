// SPDX-License-Identifier: Apache-2.0
/** `examples/attestors/teams`, as a plugin author tests it and as a daemon runs it. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import createAttestor from '../../examples/attestors/teams/attestor.ts';
import { attestorContract, madeUpProcess } from '../../src/attestation/contract.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { Daemon, top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const dir = tempDir('teams');
let made = 0;
const never = new AbortController().signal;

function fileOf(text: string): string {
  const file = join(dir, `teams-${made++}`);
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}
const make = (file: string) =>
  createAttestor({ name: 'teams', config: { file }, clock: systemClock, log: silentLogger });

describe('the teams attestor', () => {
  let file: string;
  const cases = attestorContract({
    make: () => {
      file = fileOf('# uid team\n1000 payments\n1001 orders\n');
      return make(file);
    },
    applies: () => madeUpProcess({ uid: 1000 }),
    another: () => madeUpProcess({ uid: 1001 }),
    doesNotApply: () => madeUpProcess({ uid: 5 }),
    change: () => writeFileSync(file, '1000 ledger\n'),
    down: async () => {
      const gone = fileOf('1000 payments\n');
      const attestor = await make(gone);
      chmodSync(gone, 0o666);
      return attestor;
    },
  });
  for (const { title, run } of cases) it(title, run);

  it.each([
    ['is not there', () => join(dir, 'absent'), /ENOENT/],
    ['has a line that is none', () => fileOf('1000\n'), /line 1 is not/],
    ['names a uid twice', () => fileOf('1 a\n1 b\n'), /uid 1 again/],
    ['has no whole path', () => 'teams', /from \//],
  ])('refuses a file that %s, at the start', async (_what, named, message) => {
    await expect(make(named())).rejects.toThrow(message);
  });

  it('fails looks while others can write its file, and says so', async () => {
    const mine = fileOf('1000 payments\n');
    const attestor = await make(mine);
    chmodSync(mine, 0o646);
    await expect(attestor.attest(madeUpProcess(), never)).rejects.toThrow('others can write it');
    expect(attestor.health?.()).toMatchObject({ status: 'fail' });
    await attestor.close?.();
  });
});

describe('a daemon with the teams attestor', () => {
  const uid = process.getuid?.() ?? 0;
  const ID = 'spiffe://example.org/payments';
  let daemon: Daemon;
  let file: string;

  beforeAll(async () => {
    file = fileOf(`${uid} payments\n`);
    const module = join(top, 'examples/attestors/teams/attestor.ts');
    daemon = await Daemon.start({
      config: [`attestors: { unix: {}, teams: { module: ${module}, config: { file: ${file} } } }`],
    });
    await daemon.admin.createEntry({ spiffe_id: ID, selectors: ['teams:team:payments'] });
  });
  afterAll(() => daemon?.close());

  it('gives the team its identity, and takes it away from an open stream when the uid leaves the team', async () => {
    const client = new WorkloadClient(daemon.workloadSocket);
    const stream = client.fetchX509Svid();
    expect((await stream.at(1)).svids.map((svid) => svid.spiffe_id)).toEqual([ID]);
    writeFileSync(file, `${uid} orders\n`);
    expect(await stream.status).toMatchObject({ code: 7 });
    client.close();
  });

  it('shows how it stands in doctor', async () => {
    const { checks } = await daemon.admin.call('GetDoctor', {});
    expect(checks.find((check: { name: string }) => check.name === 'attestor teams')).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/knows 1 uids/),
    });
  });
});
