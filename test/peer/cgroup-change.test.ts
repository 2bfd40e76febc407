// SPDX-License-Identifier: Apache-2.0
/** Attack A10: a process that is moved to another cgroup while somebody rests on where it was. */
import { describe, expect, it } from '@jest/globals';
import { TestCgroup } from '../support/cgroups.ts';
import { asRoot, closed, ended, PeerBench } from '../support/peers.ts';

let count = 0;
const elsewhere = (): TestCgroup => TestCgroup.make(`/assay-test-${process.pid}-${count++}`);
const nothing = (): boolean => false;

describe('a process that was asked for its cgroup', () => {
  it('is the same as long as it stays there', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const first = await peer.process.cgroups();
    expect(peer.process.stillSame()).toEqual({ same: true });
    expect(await peer.process.cgroups()).toEqual(first);
  });

  asRoot('A10: is another one at the very next look after a move', async () => {
    const bench = await PeerBench.open({ connector: false });
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await peer.process.cgroups();
    elsewhere().move(caller.pid);
    expect(peer.process.stillSame()).toEqual({ same: false, reason: 'cgroup-changed' });
  });

  asRoot.each([
    ['cgroups', (one: Asked) => one.cgroups()],
    ['withinCgroupOf', (one: Asked) => one.withinCgroupOf(process.pid, nothing)],
  ])('A10: answers nothing new after a move: %s', async (_what, ask) => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await ask(peer.process);
    elsewhere().move(caller.pid);
    await expect(ask(peer.process)).rejects.toMatchObject({
      reason: 'PROCESS_GONE',
      message: expect.stringMatching(/cgroup-changed/),
    });
  });

  asRoot.each([
    { how: 'the process connector in use', connector: true },
    { how: 'the sweep in use', connector: false },
  ])('A10: loses its connections within 2 s of a move, though nobody looks: $how', async ({ connector }) => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.caller();
    const { peer, socket } = await bench.connect(caller);
    await peer.process.cgroups();
    const end = ended(peer);
    elsewhere().move(caller.pid);
    expect(await end).toBe('cgroup-changed');
    await closed(socket);
  });

  asRoot('A10: is followed whoever is asked about first, and those who come later too', async () => {
    const bench = await PeerBench.open();
    const [one, two] = [await bench.caller(), await bench.caller()];
    const first = await bench.connect(one);
    const second = await bench.connect(two);
    await second.peer.process.cgroups();
    await first.peer.process.withinCgroupOf(process.pid, nothing);
    const ends = [ended(first.peer), ended(second.peer)];
    const cgroup = elsewhere();
    for (const caller of [one, two]) cgroup.move(caller.pid);
    expect(await Promise.all(ends)).toEqual(['cgroup-changed', 'cgroup-changed']);
  });
});

describe('a process that nobody asked for its cgroup', () => {
  asRoot('may be moved', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer, socket } = await bench.connect(caller);
    elsewhere().move(caller.pid);
    expect(peer.process.stillSame()).toEqual({ same: true });
    expect((await peer.process.cgroups()).some(({ path }) => path.startsWith('/assay-test-'))).toBe(true);
    expect(socket.closed).toBe(false);
  });
});

interface Asked {
  cgroups(): Promise<unknown>;
  withinCgroupOf(leader: number, isNamed: (path: string) => boolean): Promise<unknown>;
}
