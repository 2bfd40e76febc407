// SPDX-License-Identifier: Apache-2.0
/** Where the system manager is asked, and that a stranger's is not. */
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { connectManager, type ManagerPlaces, requireSystemd } from '../../src/peer/manager-socket.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const never = new AbortController().signal;
const top = tempDir('manager');
const servers: Server[] = [];
let made = 0;
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function places(...listening: readonly ('own' | 'bus')[]): Promise<ManagerPlaces> {
  const folder = join(top, `m${made++}`);
  mkdirSync(folder, { mode: 0o755 });
  const all = { own: join(folder, 'private'), bus: join(folder, 'bus'), booted: join(folder, 'system') };
  for (const name of listening) {
    const server = createServer((socket) => socket.on('error', () => undefined)).listen(all[name]);
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    chmodSync(all[name], name === 'own' ? 0o600 : 0o666);
  }
  return all;
}

describe('the system manager', () => {
  asRoot('A4: is asked at its own socket by root, and only if the first process listens there', async () => {
    await expect(connectManager(0, never, await places('own', 'bus'))).rejects.toMatchObject({
      reason: 'UPSTREAM_UNSAFE',
      message: expect.stringMatching(/private" is answered by pid \d+/),
    });
  });

  asRoot('is asked over the bus where it has no socket of its own, or for another uid', async () => {
    for (const [uid, where] of [
      [0, await places('bus')],
      [33, await places('own', 'bus')],
    ] as const) {
      const { socket, isBus } = await connectManager(uid, never, where);
      expect(isBus).toBe(true);
      socket.destroy();
    }
  });

  it('is not there to be asked where nothing listens', async () => {
    await expect(connectManager(33, never, await places())).rejects.toMatchObject({ reason: 'UPSTREAM_DOWN' });
  });

  it('is required to have started the machine', async () => {
    const where = await places();
    expect(() => requireSystemd(where)).toThrow(
      expect.objectContaining({ reason: 'SYSTEMD_ABSENT', field: 'attestors.systemd' }),
    );
    mkdirSync(where.booted);
    requireSystemd(where);
  });
});
