// SPDX-License-Identifier: Apache-2.0
/** What a launch keeps of the table: a descriptor of its own, a record shared with the connections, and nothing left over. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readKnown } from '../../src/peer/credentials.ts';
import { pidfdOpen } from '../../src/peer/native.ts';
import { OwnedFd } from '../../src/peer/owned-fd.ts';
import { hasCompiler } from '../support/c-program.ts';
import { announce, becomes, idOf, SPIFFE_ID, terms } from '../support/launching.ts';
import { LineProgram } from '../support/line-program.ts';
import { asRoot, compile, PeerBench, withGcc } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('launch-table');
const program = (): string => compile('caller.c', folder);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Threads and helpers open theirs while they start. */
async function settled(): Promise<number> {
  for (let before = -1; ; ) {
    const now = descriptors();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

it('A9: a known process that runs under an id which is not mapped here is refused', () => {
  const pidfd = new OwnedFd(pidfdOpen(process.pid));
  const none = { uid: undefined, gid: undefined };
  const known = readKnown(pidfd, process.pid, false, none);
  expect(known).toMatchObject({ pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() });
  expect(known.pidfd.number).not.toBe(pidfd.number);
  known.pidfd.close();
  const refused = { reason: 'PEER_UNMAPPED' };
  expect(() => readKnown(pidfd, process.pid, false, { ...none, uid: process.geteuid?.() })).toThrow(
    expect.objectContaining(refused),
  );
  pidfd.close();
});

withGcc(
  'A3: thousands of binds leave the number of descriptors flat',
  async () => {
    const bench = await PeerBench.open();
    const file = program();
    const idle = await settled();
    const caller = await bench.start(file, []);
    const { peer } = await bench.connect(caller);
    await bench.platform.launches.bind(peer.process, terms());
    const before = await settled();
    for (let i = 0; i < 2_000; i += 1) await bench.platform.launches.bind(peer.process, terms());
    expect([bench.platform.launches.size, descriptors()]).toEqual([1, before]);
    await caller.end();
    await bench.until(() => bench.platform.launches.size === 0 && descriptors() === idle);
    expect(bench.platform.describe().processes).toBe(0);
  },
  120_000,
);

withGcc(
  'A3: launches that exec and exit leave none behind',
  async () => {
    const bench = await PeerBench.open();
    const file = program();
    const announced = announce(file, [file]);
    const one = async (): Promise<void> => {
      const caller = await bench.start(file, []);
      const { peer } = await bench.connect(caller);
      await bench.platform.launches.bind(peer.process, terms({ announced }));
      const started = await becomes(bench, caller, `exec ${file}`);
      expect(await idOf(bench, started.peer.process)).toBe(SPIFFE_ID);
      await caller.end();
    };
    for (let i = 0; i < 3; i += 1) await one();
    await bench.until(() => bench.platform.launches.size === 0);
    const before = await settled();
    for (let i = 0; i < 50; i += 1) await one();
    await bench.until(() => bench.platform.launches.size === 0);
    expect(await settled()).toBe(before);
    expect(bench.platform.describe().processes).toBe(0);
  },
  120_000,
);

asRoot('A12, A4: whoever gets the number of a launched process that was reaped is not the launch', async () => {
  if (!hasCompiler) return;
  const script = join(import.meta.dirname, 'programs', 'pid-reuse.ts');
  const args = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, '--no-warnings', script];
  const reuse = new LineProgram('unshare', [...args, 'launched']);
  expect(await reuse.heard('outcome', 20_000)).toEqual({
    event: 'outcome',
    reused: true,
    launched: SPIFFE_ID,
    stranger: 'it was not started by the launcher',
  });
  await reuse.end();
});
