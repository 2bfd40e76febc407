// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { LineProgram } from '../support/line-program.ts';
import { asRoot, ended, leaveWithChild, PeerBench } from '../support/peers.ts';

it('without SO_PEERPIDFD, a caller is known by a pidfd opened by number, and marked weak', async () => {
  const bench = await PeerBench.open({ peerPidfd: false });
  const caller = await bench.caller();
  const { peer } = await bench.connect(caller);
  expect(peer.process).toMatchObject({ pid: caller.pid, weak: true });
  expect(bench.platform.describe().peerPidfd).toBe(false);
  const end = ended(peer, 2_000);
  await leaveWithChild(caller);
  await caller.end();
  expect(await end).toBe('exited');
});

it('with SO_PEERPIDFD, no caller is weak', async () => {
  const bench = await PeerBench.open();
  if (!bench.platform.describe().peerPidfd) return;
  const { peer } = await bench.connect(await bench.caller());
  expect(peer.process.weak).toBe(false);
});

asRoot('A4: a number given to another process while its pidfd was opened is refused', async () => {
  const script = join(import.meta.dirname, 'programs', 'pid-reuse.ts');
  const args = [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    process.execPath,
    '--no-warnings',
    script,
    'by-number',
  ];
  const program = new LineProgram('unshare', args);
  expect(await program.heard('outcome')).toMatchObject({ reused: true, reason: 'PEER_UNKNOWN' });
  await program.end();
});
