// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { asRoot, PeerBench } from '../support/peers.ts';

/** A daemon whose user namespace maps its own uid and gid and no others. */
const alone = ['unshare', '--user', '--map-root-user'];

asRoot('A9: a daemon in a user namespace refuses a caller whose uid is not mapped there', async () => {
  const bench = await PeerBench.open();
  const daemon = await bench.daemon([], {}, alone);
  expect(daemon.ready).toMatchObject({ allIdsMapped: false });
  const caller = await bench.caller({ uid: 4242, gid: 0 });
  caller.say(`connect ${daemon.path}`);
  expect(await daemon.program.heard('refused')).toMatchObject({
    reason: 'PEER_UNMAPPED',
    message: expect.stringMatching(/does not map uid 65534/),
  });
});

asRoot('A9: and one whose gid is not mapped', async () => {
  const bench = await PeerBench.open();
  const daemon = await bench.daemon([], {}, alone);
  const caller = await bench.caller({ uid: 0, gid: 4242 });
  caller.say(`connect ${daemon.path}`);
  expect(await daemon.program.heard('refused')).toMatchObject({ reason: 'PEER_UNMAPPED' });
});

asRoot('A9: groups that are not mapped are not reported as one group', async () => {
  const bench = await PeerBench.open();
  const daemon = await bench.daemon([], {}, alone);
  const caller = await bench.caller();
  caller.say('setgroups 0 4242 4243');
  await caller.heard('done');
  caller.say(`connect ${daemon.path}`);
  expect(await daemon.program.heard('accepted')).toMatchObject({ status: { uid: 0, gid: 0, groups: [0] } });
});

asRoot('where every id is mapped, 65534 is the user nobody and is served', async () => {
  const bench = await PeerBench.open();
  const { peer } = await bench.connect(await bench.caller({ uid: 65_534, gid: 65_534 }));
  expect(peer.process).toMatchObject({ uid: 65_534, gid: 65_534 });
  expect(bench.platform.describe().allIdsMapped).toBe(true);
});

it('this machine says whether all ids are mapped', async () => {
  const bench = await PeerBench.open();
  expect(typeof bench.platform.describe().allIdsMapped).toBe('boolean');
});
