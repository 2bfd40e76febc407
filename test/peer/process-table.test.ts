// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { LineProgram } from '../support/line-program.ts';
import { asRoot, PeerBench } from '../support/peers.ts';

it('connections of one process share one handle', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller();
  const first = await bench.connect(caller);
  const second = await bench.connect(caller);
  expect(second.peer.process).toBe(first.peer.process);
  expect(second.peer.connection).toBe(first.peer.connection + 1);
  expect(bench.platform.describe().processes).toBe(1);
  const other = await bench.connect(await bench.caller());
  expect(other.peer.process).not.toBe(first.peer.process);
  expect(other.peer.process.key).not.toBe(first.peer.process.key);
});

asRoot(
  'WEP-06, A4: a caller that was reaped before accept is not taken for the process that has its number now',
  async () => {
    const script = join(import.meta.dirname, 'programs', 'pid-reuse.ts');
    const args = [
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      process.execPath,
      '--no-warnings',
      script,
      'reaped',
    ];
    const program = new LineProgram('unshare', args);
    expect(await program.heard('outcome')).toMatchObject({
      reused: true,
      reason: expect.stringMatching(/^(PROCESS_GONE|PEER_UNKNOWN)$/),
    });
    await program.end();
  },
);

asRoot('a process that comes back under another uid has another handle', async () => {
  const bench = await PeerBench.open({ connector: false });
  const caller = await bench.caller();
  const first = await bench.connect(caller);
  caller.say('setuid 4242');
  await caller.heard('done');
  const second = await bench.connect(caller);
  expect(second.peer.process).not.toBe(first.peer.process);
  expect(second.peer.process.uid).toBe(4242);
  expect(first.peer.process.stillSame()).toEqual({ same: false, reason: 'credentials-changed' });
});

it('a handle without connections answers nothing', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller();
  const { socket, peer } = await bench.connect(caller);
  caller.say('disconnect');
  await bench.until(() => socket.closed);
  expect(bench.platform.describe().processes).toBe(0);
  expect(peer.process.stillSame()).toMatchObject({ same: false });
  await expect(peer.process.status()).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
});
