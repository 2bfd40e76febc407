// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDoor, type TestDoor } from '../support/door.ts';
import { tempDir } from '../support/temp-dir.ts';
import { securityHeader, WorkloadClient } from '../support/workload-client.ts';

describe('a call and its connection', () => {
  const socket = join(tempDir(), 'api.sock');
  let door: TestDoor;
  const seen: number[] = [];

  beforeAll(async () => {
    const follow = (process: { pid: number }): { stop(): void } => {
      seen.push(process.pid);
      return { stop: () => undefined };
    };
    door = await openDoor({ path: socket, identities: { followX509: follow, followX509Bundles: follow } });
  });
  afterAll(() => door.close());

  it('A3: a name that no open connection has finds no caller', () => {
    for (const name of ['', 'unknown', 'connection-999', '__proto__', '127.0.0.1:1']) {
      expect(() => door.door.peerOf({ getPeer: () => name })).toThrow(/connection of this call has closed/);
    }
  });

  it('A3: no request metadata is read to find the caller', async () => {
    const client = new WorkloadClient(socket);
    const metadata = securityHeader();
    for (const key of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'peer']) metadata.set(key, 'connection-1');
    const stream = client.fetchX509Svid(metadata);
    while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(seen).toEqual([4242]);
    stream.cancel();
    await stream.status;
    client.close();
  });

  it('forgets a caller when its connection closes', async () => {
    const client = new WorkloadClient(socket);
    const stream = client.fetchX509Svid();
    while (door.door.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stream.cancel();
    await stream.status;
    client.close();
    while (door.door.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(() => door.door.peerOf({ getPeer: () => 'connection-2' })).toThrow();
  });

  it('destroys injected sockets at shutdown', async () => {
    const path = `${socket}-2`;
    const sockets: Socket[] = [];
    const follow = (): { stop(): void } => ({ stop: () => undefined });
    const other = await openDoor({
      path,
      identities: { followX509: follow, followX509Bundles: follow },
      onSocket: (one) => void sockets.push(one),
    });
    const client = new WorkloadClient(path);
    const stream = client.fetchX509Svid();
    while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.close();
    expect(sockets.every((one) => one.destroyed)).toBe(true);
    await stream.status;
    client.close();
  });

  it('B4: a uid whose connections keep breaking HTTP/2 is kept out for a moment', async () => {
    const path = `${socket}-3`;
    const follow = (): { stop(): void } => ({ stop: () => undefined });
    const other = await openDoor({ path, identities: { followX509: follow, followX509Bundles: follow } });
    const broken = (): Promise<void> =>
      new Promise((resolve) => {
        const one = connect(path);
        one.on('error', () => undefined);
        one.once('close', () => resolve());
        one.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(200, 'x'));
        one.resume();
      });
    for (let i = 0; i < 5; i += 1) await broken();
    while (other.door.malformed < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await broken();
    while (other.door.barred === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(other.door.malformed).toBe(5);
    await other.close();
  });
});
