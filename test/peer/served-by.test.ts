// SPDX-License-Identifier: Apache-2.0
/** Attack A13: who serves a socket is the kernel's word, not the folder's. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { OwnChild, servedBySocket } from '../../src/peer/served-by.ts';
import { LineProgram } from '../support/line-program.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const programs = join(import.meta.dirname, 'programs');
const dir = tempDir('served-by');
const open: { end(): Promise<void> | void }[] = [];
let made = 0;

afterEach(async () => {
  for (const one of open.splice(0)) await one.end();
});

async function server(): Promise<{ program: LineProgram; child: OwnChild; path: string }> {
  const path = join(dir, `${made++}.sock`);
  const program = new LineProgram('python3', [join(programs, 'serve.py'), path, 'stream']);
  const child = new OwnChild(program.pid);
  open.push(program, { end: () => child.close() });
  await program.heard('ready');
  return { program, child, path };
}

/** What `look` says in the tick of the connection. */
function connected<T>(path: string, look: (socket: Socket) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      resolve(look(socket));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('a socket that we connected', () => {
  it('is served by whoever listens, as the kernel has it', async () => {
    const { program, path } = await server();
    expect(await connected(path, servedBySocket)).toEqual({
      pid: program.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    });
  });

  it('A13: is our child’s while that lives and listens itself', async () => {
    const { child, path } = await server();
    expect(await connected(path, (socket) => child.servesSocket(socket))).toBe(true);
  });

  it('A13: is not our child’s when another process took the name', async () => {
    const [ours, other] = [await server(), await server()];
    expect(await connected(other.path, (socket) => ours.child.servesSocket(socket))).toBe(false);
  });

  it('A13: is nobody’s once our child has ended, though another process holds it open', async () => {
    const { program, child, path } = await server();
    program.say('hand-on');
    const { child: heir } = await program.heard('handed-on');
    open.unshift({ end: () => void process.kill(heir as number, 'SIGKILL') });
    while (child.alive) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await connected(path, (socket) => child.servesSocket(socket))).toBe(false);
  });

  asRoot('A13: is not our child’s when a process that had its number before left it behind', async () => {
    const script = join(programs, 'listener-reuse.ts');
    const wrap = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, '--no-warnings', script];
    const program = new LineProgram('unshare', wrap);
    open.push(program);
    expect(await program.heard('outcome')).toMatchObject({ reused: true, named: true, passes: false });
  });
});
