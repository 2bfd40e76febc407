// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { asRoot, PeerBench } from '../support/peers.ts';

describe('whether a caller lives where the daemon lives', () => {
  it('is true for a neighbour', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    expect(peer.sameNamespaces).toBe(true);
  });

  asRoot.each([
    ['mount', ['unshare', '--mount']],
    ['pid', ['unshare', '--pid', '--fork', '--kill-child']],
    ['user', ['unshare', '--user', '--map-root-user']],
    ['all of them', ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child']],
  ])('B3: is false for root of another namespace: %s', async (_what, wrap) => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller({ wrap }));
    expect(peer.process.uid).toBe(0);
    expect(peer.sameNamespaces).toBe(false);
    expect(peer.process.stillSame()).toEqual({ same: true });
  });

  it('B3: is false once the caller has gone', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    expect(peer.sameNamespaces).toBe(true);
    await caller.end();
    expect(peer.sameNamespaces).toBe(false);
  });

  asRoot('B3: is false where the daemon may not look', async () => {
    const bench = await PeerBench.open();
    const daemon = await bench.daemon([], { uid: 4242, gid: 4242 });
    const stranger = await bench.caller({ uid: 4243, gid: 4243 });
    stranger.say(`connect ${daemon.path}`);
    expect(await daemon.program.heard('accepted')).toMatchObject({
      uid: 4243,
      sameNamespaces: false,
      same: true,
      readable: false,
      reason: 'this daemon may not read the caller’s executable',
    });
    const neighbour = await bench.caller({ uid: 4242, gid: 4242 });
    neighbour.say(`connect ${daemon.path}`);
    expect(await daemon.program.heard('accepted')).toMatchObject({ uid: 4242, sameNamespaces: true, readable: true });
  });
});
