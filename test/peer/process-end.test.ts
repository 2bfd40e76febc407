// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { asRoot, closed, ended, leaveWithChild, PeerBench } from '../support/peers.ts';

let bench: PeerBench;

/** Every test runs with the process connector (as root) and without it. */
describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with the sweep', connector: false },
])('a connection, $how', ({ connector }) => {
  it('A2: closes when its process exits, though a child holds the other end', async () => {
    bench = await PeerBench.open({ connector });
    const caller = await bench.caller();
    const { socket, peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    const end = ended(peer, 2_000);
    caller.say('exit');
    expect(await end).toBe('exited');
    await closed(socket, 2_000);
    expect(peer.process.stillSame()).toEqual({ same: false, reason: 'exited' });
  });

  it('A2: closes when its process becomes another program', async () => {
    bench = await PeerBench.open({ connector });
    const caller = await bench.caller();
    const { socket, peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    const end = ended(peer, 2_500);
    caller.say('exec /bin/sleep 20');
    expect(await end).toMatch(/^exec/);
    await closed(socket, 2_000);
    expect(peer.process.stillSame()).toMatchObject({ same: false });
  });

  it('A2: closes when its process starts its own program anew', async () => {
    bench = await PeerBench.open({ connector });
    const caller = await bench.caller();
    const { socket, peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    const end = ended(peer, 2_500);
    caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
    expect(await end).toBe('exec');
    await closed(socket, 2_000);
  });

  asRoot('A2: closes when its process changes its uid, and when it changes its gid', async () => {
    bench = await PeerBench.open({ connector });
    for (const change of ['seteuid 4242', 'setegid 4242']) {
      const caller = await bench.caller();
      const { socket, peer } = await bench.connect(caller);
      const end = ended(peer, 2_500);
      caller.say(change);
      expect(await end).toBe('credentials-changed');
      await closed(socket, 2_000);
    }
  });

  it('stays open while its process lives on', async () => {
    bench = await PeerBench.open({ connector });
    const caller = await bench.caller();
    const { socket, peer } = await bench.connect(caller);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(socket.closed).toBe(false);
    expect(peer.process.stillSame()).toEqual({ same: true });
  });
});
