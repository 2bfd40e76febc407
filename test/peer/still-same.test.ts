// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type Baseline, difference } from '../../src/peer/baseline.ts';
import { asRoot, ended, leaveWithChild, PeerBench } from '../support/peers.ts';

/** No connector and no sweep in time: only the look itself can tell. */
const now = new AbortController().signal;

describe('a process', () => {
  it('is the same as long as nothing changes', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    for (let i = 0; i < 100; i += 1) expect(peer.process.stillSame()).toEqual({ same: true });
  });

  asRoot.each([
    ['uid', 'seteuid 4242'],
    ['gid', 'setegid 4242'],
    ['groups', 'setgroups 0 4242'],
  ])('A2: is another one after a change of its %s, seen at the very next look', async (_what, command) => {
    const bench = await PeerBench.open({ connector: false });
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    caller.say(command);
    await caller.heard('done');
    expect(peer.process.stillSame()).toEqual({ same: false, reason: 'credentials-changed' });
  });

  it('A2: once another one, answers nothing any more, and says so to late listeners at once', async () => {
    const bench = await PeerBench.open({ connector: false });
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    const end = ended(peer);
    caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
    while (peer.process.stillSame().same) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await end).toBe(
      peer.process.stillSame().same ? '' : (peer.process.stillSame() as { reason: string }).reason,
    );
    await expect(peer.process.status()).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    await expect(peer.process.exe(now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    await expect(peer.process.digest(now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    await expect(peer.process.cgroups()).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    const heard: string[] = [];
    peer.process.onEnd((reason) => heard.push(reason));
    expect(heard).toHaveLength(1);
  });

  asRoot(
    'A5: that started another program is another one at that very moment: nothing has to be heard first',
    async () => {
      const bench = await PeerBench.open();
      expect(bench.platform.describe().connectorAbsent).toBeUndefined();
      const caller = await bench.caller();
      const { peer } = await bench.connect(caller);
      await leaveWithChild(caller);
      caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
      // Standing still: no message of any thread or helper can come in.
      waitForCommand(caller.pid, 'setTimeout');
      expect(peer.process.stillSame()).toEqual({ same: false, reason: 'exec' });
    },
  );

  it('A5: that started another program is not looked at as the one before, though no sweep has found out', async () => {
    for (let i = 0; i < 3; i += 1) {
      const bench = await PeerBench.open({ connector: false });
      const caller = await bench.caller();
      const { peer } = await bench.connect(caller);
      await leaveWithChild(caller);
      caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
      waitForCommand(caller.pid, 'setTimeout');
      await expect(peer.process.exe(now)).rejects.toMatchObject({
        reason: 'PROCESS_GONE',
        // A look in the midst of it finds a process that cannot be read.
        message: expect.stringMatching(/exec|unreadable/),
      });
    }
  });

  it('tells each listener once, and not one that was undone', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    const heard: string[] = [];
    const listener = (): number => heard.push('kept');
    const undo = peer.process.onEnd(() => heard.push('undone'));
    peer.process.onEnd(listener);
    peer.process.onEnd(listener);
    undo();
    undo();
    const end = ended(peer);
    await leaveWithChild(caller);
    await caller.end();
    await end;
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['kept', 'kept']);
  });

  asRoot('A2: that changed its uid between connect and accept is refused', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    caller.say(`connectThenBe ${bench.path} 4242`);
    // The daemon is busy meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    await bench.until(() => bench.refused.length > 0);
    expect(bench.refused[0]).toMatchObject({
      reason: 'PEER_CHANGED',
      message: expect.stringMatching(/uid 0 .*uid 4242/),
    });
    expect(bench.accepted).toEqual([]);
  });
});

function waitForCommand(pid: number, word: string): void {
  const until = performance.now() + 5_000;
  while (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word) && performance.now() < until);
}

describe('what differs', () => {
  const first: Baseline = {
    uid: 1,
    gid: 2,
    groups: '3 4',
    startTime: 5n,
    layout: '6 7',
    exe: { device: 8n, inode: 9n },
    imageGone: false,
  };

  it.each<[string, Partial<Baseline>, string | undefined]>([
    ['nothing', {}, undefined],
    ['uid', { uid: 0 }, 'credentials-changed'],
    ['gid', { gid: 0 }, 'credentials-changed'],
    ['groups', { groups: '3' }, 'credentials-changed'],
    ['start time', { startTime: 6n }, 'exited'],
    ['the image is gone', { imageGone: true, exe: undefined, layout: '0 0' }, 'exited'],
    ['no longer readable', { exe: undefined, layout: '1 1' }, 'unreadable'],
    ['layout', { layout: '6 8' }, 'exec'],
    ['A5: another inode in the same layout', { exe: { device: 8n, inode: 10n } }, 'executable-changed'],
    ['A5: another device in the same layout', { exe: { device: 9n, inode: 9n } }, 'executable-changed'],
    ['a setuid program', { uid: 0, layout: '6 8' }, 'credentials-changed'],
  ])('%s', (_what, change, reason) => expect(difference(first, { ...first, ...change })).toBe(reason));

  it('an executable that was never readable says nothing', () => {
    const unreadable = { ...first, exe: undefined };
    expect(difference(unreadable, unreadable)).toBeUndefined();
    expect(difference(unreadable, first)).toBe('executable-changed');
  });
});
