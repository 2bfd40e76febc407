// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { sourceOf } from '../../src/https/connection-count.ts';
import type { HttpsListener } from '../../src/https/listener.ts';
import { eventually } from '../support/authority.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ask, listen, tcp } from './bench.ts';

const opened: Socket[] = [];
const listeners: HttpsListener[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await listener.close();
});

async function started(over: Parameters<typeof listen>[0]) {
  const bench = await listen(over);
  listeners.push(bench.listener);
  return bench;
}

async function hold(port: number): Promise<{ readonly socket: Socket; readonly ended: () => boolean }> {
  const socket = await tcp(port);
  opened.push(socket);
  let ended = false;
  socket
    .on('error', () => undefined)
    .on('close', () => {
      ended = true;
    });
  socket.resume();
  return { socket, ended: () => ended };
}

describe('I9: connections', () => {
  it.each([
    ['in all', { connections: 3, connectionsPerAddress: 50 }, 'all'],
    ['from one address', { connections: 50, connectionsPerAddress: 3 }, 'address'],
  ] as const)('%s are counted, also before they say anything, and one more is closed', async (_, over, ceiling) => {
    const { port, log } = await started(over);
    const held = [await hold(port), await hold(port), await hold(port)];
    const over1 = await hold(port);
    await eventually(over1.ended);
    expect(held.map(({ ended }) => ended())).toEqual([false, false, false]);
    expect(log.lines).toContainEqual(expect.objectContaining({ level: 'warn', fields: { ceiling } }));
    held[0]?.socket.destroy();
    await eventually(held[0]!.ended);
    // The place is free again once the server has seen the end.
    let status = 0;
    for (let tries = 0; tries < 200 && status !== 200; tries += 1) {
      status = await ask(port).then(
        (answered) => answered.status,
        () => 0,
      );
    }
    expect(status).toBe(200);
  });

  it('one that lives too long is ended, whatever it does', async () => {
    const clock = new FakeClock();
    const { port } = await started({ clock });
    const { ended } = await hold(port);
    await eventually(() => clock.pending === 1);
    await clock.advance(59_000);
    expect(ended()).toBe(false);
    await clock.advance(1_000);
    await eventually(ended);
    await eventually(() => clock.pending === 0);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['2001:0db8:0001::', '2001:db8:1:0'],
  ])('%s counts as %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
