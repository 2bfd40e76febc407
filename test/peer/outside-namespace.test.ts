// SPDX-License-Identifier: Apache-2.0
import { expect } from '@jest/globals';
import { asRoot, PeerBench } from '../support/peers.ts';

asRoot('A4: a caller outside the daemon’s pid namespace is refused, and the error says so', async () => {
  const bench = await PeerBench.open();
  const wrap = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const daemon = await bench.daemon([], {}, wrap);
  const caller = await bench.caller();
  caller.say(`connect ${daemon.path}`);
  expect(await daemon.program.heard('refused')).toMatchObject({
    reason: 'PEER_OUTSIDE_PID_NAMESPACE',
    message: expect.stringMatching(/pid 0/),
  });
  await caller.heard('closed');
});
