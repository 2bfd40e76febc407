// SPDX-License-Identifier: Apache-2.0
/** Attack A13: whoever is believed about other processes is who it is meant to be. */
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { connectUpstream } from '../../src/peer/upstream-socket.ts';
import { LineProgram } from '../support/line-program.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('upstream');
const never = new AbortController().signal;
const own = process.getuid?.() ?? 0;
let count = 0;
const servers: Server[] = [];
const programs: LineProgram[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await Promise.all(programs.splice(0).map((program) => program.end()));
});

function folder(mode = 0o755): string {
  const made = join(top, `f${count++}`);
  mkdirSync(made);
  chmodSync(made, mode);
  return made;
}

async function serve(path: string, mode = 0o660): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, mode);
  return path;
}

/** A listener of another uid, whose socket is then given to root where `given` says so. */
async function serveAs(uid: number, path: string, given: boolean): Promise<string> {
  const program = new LineProgram(process.execPath, [
    '-e',
    `process.setgid(${uid}); process.setuid(${uid}); process.umask(7);
     require('net').createServer(() => {}).listen(${JSON.stringify(path)}, () => console.log('{"event":"ready"}'))`,
  ]);
  programs.push(program);
  await program.heard('ready');
  if (given) chownSync(path, 0, 0);
  return path;
}

async function ask(path: string, uid = own): Promise<void> {
  const socket = await connectUpstream({ path, field: 'attestors.docker.socket', uid }, never);
  socket.destroy();
}

describe('a service that is believed', () => {
  it('is root’s, in folders that nobody else can change', async () => {
    await ask(await serve(join(folder(), 'engine.sock')));
  });

  it('may stand behind links', async () => {
    const real = folder();
    await serve(join(real, 'engine.sock'));
    const links = folder();
    symlinkSync(real, join(links, 'absolute'));
    symlinkSync(`../${real.split('/').at(-1)}/./engine.sock`, join(links, 'relative'));
    await ask(join(links, 'absolute', 'engine.sock'));
    await ask(join(links, 'relative'));
  });

  it('is down when nothing is there, or nobody listens', async () => {
    const path = join(folder(), 'engine.sock');
    await expect(ask(path)).rejects.toMatchObject({ reason: 'UPSTREAM_DOWN', message: expect.stringMatching(/exist/) });
    const program = new LineProgram(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => { console.log('{"event":"ready"}'); process.kill(process.pid, 'SIGKILL') })`,
    ]);
    await program.ended;
    chmodSync(path, 0o660);
    await expect(ask(path)).rejects.toMatchObject({
      reason: 'UPSTREAM_DOWN',
      message: expect.stringMatching(/not listened to/),
    });
  });

  it('is not waited for once nobody wants it any more', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(connectUpstream({ path: '/nowhere', field: 'f', uid: own }, signal)).rejects.toThrow('too late');
  });

  it.each([
    ['a path that is not absolute', () => 'engine.sock', /not an absolute path/],
    ['a file', () => file(), /is no socket/],
    ['what lies below a file', () => join(file(), 'engine.sock'), /not a folder|fails \(ENOTDIR\)/],
    ['a link that ends nowhere', () => loop(), /more than 40 links/],
  ])('A13: is not %s', async (_what, path, message) => {
    await expect(ask(path())).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it('A13: is not one that everybody may give orders to', async () => {
    const path = await serve(join(folder(), 'engine.sock'), 0o666);
    await expect(ask(path)).rejects.toMatchObject({
      reason: 'UPSTREAM_UNSAFE',
      message: expect.stringMatching(/orders/),
    });
  });

  it('A13: does not stand in a folder that others can write, unless it is sticky', async () => {
    for (const mode of [0o775, 0o757]) {
      const path = await serve(join(folder(mode), 'engine.sock'));
      await expect(ask(path)).rejects.toMatchObject({
        reason: 'UPSTREAM_UNSAFE',
        message: expect.stringMatching(/others can write the folder/),
      });
    }
    await ask(await serve(join(folder(0o1777), 'engine.sock')));
  });

  asRoot('A13: does not stand behind a folder or a link of somebody else’s', async () => {
    const theirs = folder();
    const path = await serve(join(theirs, 'engine.sock'));
    chownSync(theirs, 1234, 1234);
    await expect(ask(path)).rejects.toMatchObject({ message: expect.stringMatching(/belongs to uid 1234/) });
    const real = await serve(join(folder(), 'engine.sock'));
    // Of root's, to one of another's, to root's socket.
    symlinkSync(real, join(theirs, 'away'));
    const link = join(folder(), 'link');
    symlinkSync(join(theirs, 'away'), link);
    await expect(ask(link)).rejects.toMatchObject({ message: expect.stringMatching(/belongs to uid 1234/) });
  });

  asRoot('A13: has a socket of root’s', async () => {
    const path = await serve(join(folder(), 'engine.sock'));
    chownSync(path, 1234, 1234);
    await expect(ask(path)).rejects.toMatchObject({
      message: expect.stringMatching(/engine.sock belongs to uid 1234/),
    });
  });

  asRoot('A13: is the one that listens, whoever owns the file', async () => {
    chmodSync(top, 0o755);
    const path = await serveAs(1234, join(folder(0o1777), 'engine.sock'), true);
    await expect(ask(path)).rejects.toMatchObject({
      reason: 'UPSTREAM_UNSAFE',
      message: expect.stringMatching(/is answered by uid 1234, not 0/),
    });
  });

  asRoot('A13: is of another uid only where that uid is named', async () => {
    chmodSync(top, 0o755);
    const theirs = folder();
    chownSync(theirs, 1234, 1234);
    const path = await serveAs(1234, join(theirs, 'engine.sock'), false);
    await ask(path, 1234);
    // Nor does root's service stand in for that of another.
    await expect(ask(await serve(join(folder(), 'engine.sock')), 1234)).rejects.toThrow(/answered by uid 0, not 1234/);
    await expect(ask(path, 1235)).rejects.toMatchObject({ reason: 'UPSTREAM_UNSAFE' });
  });
});

function file(): string {
  const path = join(folder(), 'file');
  writeFileSync(path, '');
  return path;
}

function loop(): string {
  const path = join(folder(), 'loop');
  symlinkSync(path, path);
  return path;
}

describe('a service whose word is about pids', () => {
  const field = 'attestors.systemd';

  it('A4: counts them as we do', async () => {
    const path = await serve(join(folder(), 'own.sock'));
    for (const pid of [process.pid, 'of our namespace'] as const) {
      (await connectUpstream({ path, field, uid: own, pid }, never)).destroy();
    }
    await expect(connectUpstream({ path, field, uid: own, pid: 1 }, never)).rejects.toMatchObject({
      reason: 'UPSTREAM_UNSAFE',
      message: expect.stringContaining(`is answered by pid ${process.pid}`),
    });
  });

  it('may be one that everybody asks', async () => {
    const path = await serve(join(folder(), 'bus.sock'), 0o666);
    await expect(connectUpstream({ path, field, uid: own }, never)).rejects.toMatchObject({
      reason: 'UPSTREAM_UNSAFE',
    });
    (await connectUpstream({ path, field, uid: own, isOpen: true }, never)).destroy();
  });
});
