// SPDX-License-Identifier: Apache-2.0
import { existsSync, lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Ceilings } from '../../src/peer/ceilings.ts';
import { peerOf } from '../../src/peer/peer-of.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { closed, PeerBench } from '../support/peers.ts';

const ownUid = process.getuid?.() ?? 0;
const few = (perUid: number): Ceilings =>
  new Ceilings({ what: 'connections', perUid, perCgroup: 1_000, total: 1_000, reserved: 1, ownUid });

describe('a listener', () => {
  it('A3: ties the caller to the socket itself', async () => {
    const bench = await PeerBench.open();
    const { socket, peer } = await bench.connect(await bench.caller());
    expect(peerOf(socket)).toBe(peer);
    expect(peerOf(connect({ path: bench.path }).on('error', () => undefined))).toBeUndefined();
  });

  it('WEP-19: has a socket of mode 0777 in a folder of mode 0755, and leaves neither file nor connection behind', async () => {
    const bench = await PeerBench.open();
    expect(lstatSync(bench.path).mode & 0o777).toBe(0o777);
    const caller = await bench.caller();
    const { socket } = await bench.connect(caller);
    expect(bench.connections).toBe(1);
    await bench.stop();
    expect(socket.destroyed).toBe(true);
    expect(existsSync(bench.path)).toBe(false);
    await caller.heard('closed');
  });

  it('I9: refuses one connection too many, names the ceiling, and takes the next when one has closed', async () => {
    const bench = await PeerBench.open({ ceilings: few(2) });
    const caller = await bench.caller();
    await bench.connect(caller);
    const { socket } = await bench.connect(caller);
    caller.say(`connect ${bench.path}`);
    await bench.until(() => bench.refused.length === 1);
    expect(bench.refused[0]).toMatchObject({
      reason: 'CEILING_REACHED',
      message: `too many connections of uid ${ownUid}: the ceiling is 2`,
    });
    await caller.heard('closed');
    expect(bench.connections).toBe(2);
    socket.destroy();
    await closed(socket);
    await bench.connect(caller);
  });

  it('I9: gives the place back of a caller that leaves before it was looked at', async () => {
    const bench = await PeerBench.open({ ceilings: few(1) });
    for (let i = 0; i < 20; i += 1) {
      const socket = connect({ path: bench.path });
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.destroy();
      await bench.until(() => bench.connections === 0);
    }
    expect(bench.refused).toEqual([]);
    expect(bench.platform.describe().processes).toBe(0);
  });

  it('logs who was refused, and no more than one line a second', async () => {
    const lines: object[] = [];
    const log: Logger = { ...silentLogger, warn: (fields) => lines.push(fields) };
    const bench = await PeerBench.open({ ceilings: few(1), log });
    const caller = await bench.caller();
    await bench.connect(caller);
    for (let i = 0; i < 5; i += 1) caller.say(`connect ${bench.path}`);
    await bench.until(() => bench.refused.length === 5);
    const refusals = lines.filter((line) => 'reason' in line);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatchObject({ reason: 'CEILING_REACHED', path: bench.path, skipped: 0 });
  });

  it('A2: hands over no connection of a process that ended while it was looked at', async () => {
    const bench = await PeerBench.open();
    // Between the end of the look and the hand-over.
    bench.onAdmit = (hold) => void hold.ready().then(() => hold.process.end('exec'));
    const caller = await bench.caller();
    caller.say(`connect ${bench.path}`);
    await caller.heard('closed');
    expect(bench.accepted).toEqual([]);
  });
});
