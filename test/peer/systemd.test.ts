// SPDX-License-Identifier: Apache-2.0
import { openSync, renameSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { checkPassedSocket, takePassedSockets } from '../../src/peer/systemd.ts';
import { LineProgram } from '../support/line-program.ts';
import { PeerBench } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('systemd');
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(path: string | number): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) =>
    typeof path === 'string' ? server.listen({ path }, resolve) : server.listen(path, '127.0.0.1', resolve),
  );
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}

describe('a passed socket', () => {
  it('is the one that the configuration names', async () => {
    const path = join(folder, 'a.sock');
    const fd = await listening(path);
    expect(() => checkPassedSocket(fd, path)).not.toThrow();
  });

  it('WEP-19: of another path is refused, naming both', async () => {
    const fd = await listening(join(folder, 'b.sock'));
    expect(() => checkPassedSocket(fd, '/run/assay/workload/api.sock')).toThrow(/b\.sock.*\/run\/assay/);
  });

  it('WEP-19: that is no listening unix socket is refused', async () => {
    expect(() => checkPassedSocket(openSync('/dev/null', 'r'), '/x')).toThrow(/no listening unix stream socket/);
    const tcp = await listening(0);
    expect(() => checkPassedSocket(tcp, '/x')).toThrow(/no listening unix stream socket/);
    const abstract = await listening('\0assay-test');
    expect(() => checkPassedSocket(abstract, '/x')).toThrow(/no listening unix stream socket/);
  });
});

describe('LISTEN_FDS', () => {
  it('meant for another process is not taken, and never handed on', () => {
    const env: NodeJS.ProcessEnv = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'x', KEPT: 'y' };
    expect(takePassedSockets(env, 4242).size).toBe(0);
    expect(env).toEqual({ KEPT: 'y' });
  });

  it('that is no number is refused', () => {
    expect(() => takePassedSockets({ LISTEN_PID: '4242', LISTEN_FDS: '-1' }, 4242)).toThrow(/LISTEN_FDS/);
    expect(() => takePassedSockets({ LISTEN_PID: '4242', LISTEN_FDS: '999' }, 4242)).toThrow(/up to 64/);
  });

  it('gives the sockets by path, in a process that was started with them', async () => {
    const path = join(folder, 'd.sock');
    const fd = await listening(path);
    const script = join(import.meta.dirname, 'programs', 'passed.ts');
    const program = new LineProgram(process.execPath, ['--no-warnings', script], {
      stdio: ['pipe', 'pipe', 'pipe', fd],
    });
    expect(await program.heard('passed')).toMatchObject({ paths: [path], fds: [3], closeOnExec: true });
    await program.end();
  });
});

it('a daemon with a passed socket serves on it', async () => {
  const bench = await PeerBench.open();
  const path = join(bench.folder, 'passed.sock');
  const fd = await listening(path);
  const daemon = await bench.daemon(['--passed', `--path=${path}`], {}, [], [fd]);
  const caller = await bench.caller();
  // Only the daemon may accept; and closing here must not remove the file, which Node would.
  renameSync(path, `${path}.aside`);
  await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
  renameSync(`${path}.aside`, path);
  caller.say(`connect ${path}`);
  expect(await daemon.program.heard('accepted')).toMatchObject({ pid: caller.pid, same: true });
});
