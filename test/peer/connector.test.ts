// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NativeError } from '../../src/peer/native-error.ts';
import { nextEvent, openConnector, type ProcEvent, parseEvent } from '../../src/peer/proc-connector.ts';
import { asRoot, compile, ended, isRoot, leaveWithChild, PeerBench, withGccAsRoot } from '../support/peers.ts';

function eventsOf(fd: number): (ProcEvent | 'other')[] {
  const events: (ProcEvent | 'other')[] = [];
  for (let event = nextEvent(fd); event !== undefined; event = nextEvent(fd)) events.push(event);
  return events;
}

describe('the process connector', () => {
  asRoot('reports an exec with its pid and time', () => {
    const socket = openConnector(process.pid);
    if (typeof socket === 'string') throw new Error(`no connector: ${socket}`);
    const before = process.hrtime.bigint();
    const { pid } = spawnSync('/bin/true');
    const exec = eventsOf(socket.number).find(
      (event) => event !== 'other' && event.kind === 'exec' && event.pid === pid,
    );
    expect(exec).toMatchObject({ kind: 'exec', pid });
    expect((exec as { at: bigint }).at).toBeGreaterThan(before);
    expect((exec as { at: bigint }).at).toBeLessThan(process.hrtime.bigint());
    socket.close();
  });

  asRoot('says when events were lost', () => {
    const socket = openConnector(process.pid, 4096);
    if (typeof socket === 'string') throw new Error(`no connector: ${socket}`);
    for (let i = 0; i < 40; i += 1) spawnSync('/bin/true');
    expect(() => eventsOf(socket.number)).toThrow(NativeError);
    socket.close();
  });

  (isRoot ? asRoot : it)('is absent without the right to it, with the reason', async () => {
    const bench = await PeerBench.open();
    const daemon = isRoot ? await bench.daemon([], { uid: 4242, gid: 4242 }) : { ready: bench.platform.describe() };
    expect(daemon.ready).toMatchObject({ connectorAbsent: expect.stringMatching(/not permitted|reports nothing/) });
  });

  it('takes no message for an event that it is not', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => void parseEvent(Buffer.from(bytes))));
    expect(parseEvent(Buffer.alloc(200))).toBeUndefined();
  });
});

describe('a watcher whose events were lost', () => {
  // What nobody reports: the executable is swapped in place. Only a look can find it.
  withGccAsRoot('A5: looks at everyone', async () => {
    const bench = await PeerBench.open({ connectorBytes: 4096 });
    const folder = join(bench.folder, 'c');
    mkdirSync(folder);
    const caller = await bench.start(compile('forged-image.c', folder, ['-static']), ['/bin/sleep']);
    const { peer } = await bench.connect(caller);
    caller.say('forge');
    await caller.heard('forged');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    // Nothing is heard meanwhile, and on a busy machine this takes seconds.
    for (let i = 0; i < 40; i += 1) spawnSync('/bin/true');
    expect(await ended(peer, 5_000)).toBe('executable-changed');
  });
});

describe('a watcher under a flood of events', () => {
  asRoot('I9: gives the connector up, and the sweep takes over', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    // What a user with subordinate uids can do as often as they like.
    for (let i = 0; i < 10_000; i += 1) process.seteuid?.(i % 2 === 0 ? 4242 : 0);
    process.seteuid?.(0);
    expect(peer.process.stillSame()).toEqual({ same: true });
    expect(bench.platform.describe().connectorAbsent).toBe('it reports more than can be read');
    const end = ended(peer, 5_000);
    caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
    expect(await end).toBe('exec');
  });
});
