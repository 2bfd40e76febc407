// SPDX-License-Identifier: Apache-2.0
/** Where no daemon answers: what was tried, why it failed, how to start one. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assay, runProgram } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('cli');
chmodSync(dir, 0o755);
const asRoot = process.getuid!() === 0 ? it : it.skip;
const top = resolve(import.meta.dirname, '../..');

/** A socket file that nobody listens on, as a killed daemon leaves it. */
function staleSocket(path: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

describe('without a daemon', () => {
  it('a command says which sockets it looked for and how to start one', async () => {
    const { code, out, err } = await assay(['entry', 'list', '--admin-socket', join(dir, 'none.sock')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`no daemon: there is no socket at ${join(dir, 'none.sock')}`);
    expect(err).toContain('next: start one with: assay run --trust-domain example.org');
  });

  it('it is said in JSON too', async () => {
    const { code, err } = await assay(['health', '-o', 'json', '--admin-socket', join(dir, 'none.sock')]);
    expect(code).toBe(1);
    expect(JSON.parse(err).error).toMatchObject({
      kind: 'unavailable',
      reason: 'NO_DAEMON',
      value: join(dir, 'none.sock'),
    });
  });

  it('a socket that was left behind is told apart', async () => {
    staleSocket(join(dir, 'stale.sock'));
    const admin = await assay(['entry', 'list', '--admin-socket', join(dir, 'stale.sock')]);
    expect(admin.err).toContain('nobody listens at');
    const workload = await assay(['fetch', 'x509', '--socket', `unix://${join(dir, 'stale.sock')}`]);
    expect(workload).toMatchObject({ code: 1, err: expect.stringContaining('nobody listens at') });
  });

  it('something else that listens is told apart', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).end('hello'));
    await new Promise<void>((done) => server.listen(join(dir, 'other.sock'), done));
    const { code, err } = await assay(['health', '--admin-socket', join(dir, 'other.sock')]);
    server.close();
    expect(code).toBe(1);
    expect(err).toMatch(/^assay: /);
  });

  it('the variable and the configuration say where to look', async () => {
    const byVariable = await assay(['health'], { env: { ASSAY_SOCKETS_ADMIN: '/nonexistent/v.sock' } });
    expect(byVariable.err).toContain('/nonexistent/v.sock');
    const bad = await assay(['health'], { env: { ASSAY_SOCKETS_ADMIN: 'v.sock' } });
    expect(bad).toMatchObject({
      code: 2,
      err: expect.stringContaining('ASSAY_SOCKETS_ADMIN: "v.sock" is not an absolute path'),
    });
  });

  asRoot.each([
    ['open to its group', 950, 0o750, /is for uid 0 and the group 950; this is/, /join the group: usermod -aG 950/],
    ['for its owner alone', 0, 0o700, /is for uid 0 alone; this is/, /run the command as uid 0/],
  ])('a folder that keeps others out is named: %s', async (name, gid, mode, message, next) => {
    const folder = join(dir, name.replaceAll(' ', '-'));
    mkdirSync(folder);
    const socket = join(folder, 'admin.sock');
    const server = createServer();
    await new Promise<void>((done) => server.listen(socket, done));
    chownSync(folder, 0, gid);
    chmodSync(folder, mode);
    const node = join(top, 'tools/node/run');
    const { code, err } = await runProgram(node, [
      join(top, 'test/support/assay-as.ts'),
      '54321',
      'entry',
      'list',
      '--admin-socket',
      socket,
    ]);
    server.close();
    expect(err).toMatch(message);
    expect(err).toMatch(next);
    expect(err).toContain(folder);
    expect(code).toBe(1);
  });
});
