// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { bindSocketFile } from '../../src/peer/socket-file.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('socket');
let count = 0;
const fresh = (): string => {
  count += 1;
  mkdirSync(join(top, String(count)));
  return join(top, String(count), 'api.sock');
};
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function listenAt(path: string): Promise<Server> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve) => server.listen({ path }, () => resolve(server)));
}

const errorOf = (path: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });

describe('a socket file', () => {
  it.each([0o777, 0o660])('WEP-19: has mode %o whatever the umask, before anybody can connect', async (mode) => {
    const path = fresh();
    const before = process.umask(0o077);
    const bound = await bindSocketFile(path, mode, undefined).finally(() => process.umask(before));
    expect(statSync(path).mode & 0o7777).toBe(mode);
    expect(await errorOf(path)).toBe('ECONNREFUSED');
    bound.unlink();
    bound.fd.close();
  });

  asRoot('belongs to the group asked for', async () => {
    const path = fresh();
    const bound = await bindSocketFile(path, 0o660, 4242);
    expect(statSync(path)).toMatchObject({ gid: 4242 });
    bound.fd.close();
  });

  it('WEP-19: replaces what a dead daemon left', async () => {
    const path = fresh();
    const dead = await bindSocketFile(path, 0o777, undefined);
    dead.fd.close();
    expect(existsSync(path)).toBe(true);
    const bound = await bindSocketFile(path, 0o777, undefined);
    bound.unlink();
    bound.fd.close();
  });

  it('WEP-19: leaves one alone behind which somebody listens', async () => {
    const path = fresh();
    await listenAt(path);
    await expect(bindSocketFile(path, 0o777, undefined)).rejects.toMatchObject({
      reason: 'SOCKET_UNUSABLE',
      message: expect.stringMatching(/in use/),
    });
    expect(await errorOf(path)).toBeUndefined();
  });

  it('WEP-19: removes nothing that is no socket', async () => {
    const path = fresh();
    writeFileSync(path, 'precious');
    await expect(bindSocketFile(path, 0o777, undefined)).rejects.toThrow(/no socket/);
    expect(existsSync(path)).toBe(true);
    const link = fresh();
    symlinkSync(path, link);
    await expect(bindSocketFile(link, 0o777, undefined)).rejects.toThrow(/no socket/);
  });

  it('is not removed at the end when another daemon has put its own there', async () => {
    const path = fresh();
    const first = await bindSocketFile(path, 0o777, undefined);
    first.fd.close();
    const second = await bindSocketFile(path, 0o777, undefined);
    first.unlink();
    expect(existsSync(path)).toBe(true);
    second.unlink();
    expect(readdirSync(join(path, '..'))).toEqual([]);
    second.fd.close();
  });

  it('has a path that fits', async () => {
    await expect(bindSocketFile(`/tmp/${'x'.repeat(110)}`, 0o777, undefined)).rejects.toThrow(/takes 107/);
  });
});
