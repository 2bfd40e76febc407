// SPDX-License-Identifier: Apache-2.0
/**
 * A workload that does as it is told: one command a line on stdin, one JSON answer a line on stdout. Stands alone, so
 * that it can be copied to where another uid may read it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const sockets: Socket[] = [];
const children: ChildProcess[] = [];

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const commands: Record<string, (...words: string[]) => void | Promise<void>> = {
  connect(path) {
    const socket = connect({ path: path as string });
    sockets.push(socket);
    socket.on('connect', () => say({ event: 'connected' }));
    socket.on('error', (error: NodeJS.ErrnoException) => say({ event: 'error', code: error.code }));
    socket.on('close', () => say({ event: 'closed' }));
    socket.on('data', (bytes) => say({ event: 'data', text: bytes.toString() }));
  },
  /** Connects as one uid and is another a moment later. */
  connectThenBe(path, uid) {
    commands['connect']?.(path as string);
    process.seteuid?.(Number(uid));
  },
  write(text) {
    for (const socket of sockets) socket.write(text as string);
    say({ event: 'written' });
  },
  /** Connects and closes `count` times, some at a time, saying who it is if asked to. */
  async churn(path, count, who) {
    let left = Number(count);
    const one = (): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect({ path: path as string });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.on('connect', () =>
          who === 'who' ? socket.end(`${process.getuid?.()}.${process.pid}`) : socket.destroy(),
        );
      });
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await one();
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    say({ event: 'churned' });
  },
  disconnect() {
    for (const socket of sockets.splice(0)) socket.destroy();
  },
  /** A child that holds the first connection open for as long as it lives, and that outlives its parent. */
  child() {
    const holder = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20_000)'], {
      stdio: ['ignore', 'ignore', 'ignore', sockets[0]],
      detached: true,
    });
    children.push(holder);
    holder.on('spawn', () => say({ event: 'child', pid: holder.pid }));
  },
  /** Becomes another program in place; the connection is not closed. */
  exec(...words) {
    process.execve?.(words[0] as string, words, process.env);
  },
  setuidThenExec(uid, ...words) {
    process.setuid?.(Number(uid));
    process.execve?.(words[0] as string, words, process.env);
  },
  read(file) {
    try {
      const fd = openSync(file as string, 'r');
      readSync(fd, Buffer.alloc(1), 0, 1, 0);
      say({ event: 'read', code: 'none' });
    } catch (error) {
      say({ event: 'read', code: (error as NodeJS.ErrnoException).code });
    }
  },
  setuid(uid) {
    process.setuid?.(Number(uid));
    say({ event: 'done' });
  },
  seteuid(uid) {
    process.seteuid?.(Number(uid));
    say({ event: 'done' });
  },
  setegid(gid) {
    process.setegid?.(Number(gid));
    say({ event: 'done' });
  },
  setgroups(...gids) {
    process.setgroups?.(gids.map(Number));
    say({ event: 'done' });
  },
  exit() {
    process.exit(0);
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...words] = line.split(' ');
  commands[name as string]?.(...words);
});
process.stdin.on('end', () => process.exit(0));
say({ event: 'ready', pid: process.pid });
