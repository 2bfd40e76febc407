// SPDX-License-Identifier: Apache-2.0
/**
 * Run as root in a pid namespace of its own, where it alone decides which number the next process gets: makes a stranger
 * with the number of a caller that has gone, and says what the daemon makes of it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Failure } from '../../../src/lib/failure.ts';
import { openPidfdByNumber } from '../../../src/peer/credentials.ts';
import { pidfdOpen } from '../../../src/peer/native.ts';
import { preparePeerPlatform } from '../../../src/peer/platform.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { announce, terms } from '../../support/launching.ts';

const folder = mkdtempSync(join(tmpdir(), 'assay-reuse-'));
const path = join(folder, 'api.sock');
const CONNECT = `const s=require('net').connect(process.argv[1]);s.on('connect',()=>s.write('x'));s.on('error',()=>{});`;
const pending: Socket[] = [];

/** The number of the next process that this one starts. */
function nextPid(pid: number): void {
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
}

async function accepted(count: number): Promise<Socket> {
  while (pending.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return pending[count - 1] as Socket;
}

const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

function outcome(act: () => unknown): object {
  try {
    act();
    return { event: 'outcome', reason: 'none' };
  } catch (error) {
    return { event: 'outcome', reason: (error as Failure).reason ?? String(error) };
  }
}

async function reaped(): Promise<object> {
  const server = createServer((socket) => pending.push(socket)).listen(path);
  const platform = await preparePeerPlatform({
    log: silentLogger,
    clock: systemClock,
    digestFileBytes: 1 << 20,
    connections: 10,
    connector: false,
  });
  // The caller connects and is reaped while this loop stands still.
  const caller = spawnSync(process.execPath, [
    '-e',
    `${CONNECT}s.on('connect',()=>setTimeout(()=>process.exit(),20))`,
    path,
  ]);
  nextPid(caller.pid);
  const stranger = spawn(process.execPath, ['-e', CONNECT, path]);
  const first = await accepted(1);
  const second = await accepted(2);
  platform.admit(fdOf(second));
  const said = outcome(() => platform.admit(fdOf(first)));
  stranger.kill('SIGKILL');
  server.close();
  for (const socket of pending) socket.destroy();
  await platform.close();
  return { ...said, reused: stranger.pid === caller.pid };
}

/** Another process makes the caller, reaps it, and makes the stranger; this one stands still in the middle of its look. */
const BREEDER = `sleep 100 & pid=$!; echo $pid; wait $pid
echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid; sleep 101 & wait`;

async function byNumber(): Promise<object> {
  const breeder = spawn('sh', ['-c', BREEDER], { detached: true });
  const pid = await new Promise<number>((resolve) => breeder.stdout.once('data', (text) => resolve(Number(text))));
  // Start times are counted in ticks of 10 ms.
  await new Promise((resolve) => setTimeout(resolve, 30));
  let reused = false;
  const said = outcome(() =>
    openPidfdByNumber(pid, () => {
      process.kill(pid, 'SIGKILL');
      const until = performance.now() + 5_000;
      while (!reused && performance.now() < until) reused = commandOf(pid).includes('101');
      return pidfdOpen(pid);
    }).close(),
  );
  process.kill(-(breeder.pid as number), 'SIGKILL');
  return { ...said, reused };
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** The caller becomes another program once it is told to; the stranger only connects. */
const BECOME = `s.on('data',()=>process.execve(process.execPath,[process.execPath,'-e',process.argv[2],process.argv[1]],{}));`;
const LAUNCHED = `"$0" -e "$2$3" "$1" "$2" & pid=$!; echo $pid; wait $pid
echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid; "$0" -e "$2" "$1" stranger & wait`;

async function launched(): Promise<object> {
  const server = createServer((socket) => pending.push(socket)).listen(path);
  const platform = await preparePeerPlatform({
    log: silentLogger,
    clock: systemClock,
    digestFileBytes: 1 << 20,
    connections: 10,
    connector: false,
  });
  const { launches } = platform;
  const never = new AbortController().signal;
  const breeder = spawn('sh', ['-c', LAUNCHED, process.execPath, path, CONNECT, BECOME], { detached: true });
  const pid = await new Promise<number>((resolve) => breeder.stdout.once('data', (text) => resolve(Number(text))));
  const admitted = async (count: number) => {
    const hold = platform.admit(fdOf(await accepted(count)));
    await hold.ready();
    return hold.process;
  };
  const announced = announce(process.execPath, [process.execPath, '-e', CONNECT, path]);
  const bound = await launches.bind(await admitted(1), terms({ announced }));
  const running = new Promise<void>((resolve) => launches.onChange(() => resolve()));
  pending[0]?.on('close', () => bound.connectionClosed());
  pending[0]?.resume().write('go');
  await running;
  const first = await launches.launchOf(await admitted(2), never);

  process.kill(pid, 'SIGKILL');
  const until = performance.now() + 5_000;
  while (!commandOf(pid).includes('stranger') && performance.now() < until);
  const stranger = await admitted(3);
  const second = await launches.launchOf(stranger, never);
  process.kill(-(breeder.pid as number), 'SIGKILL');
  server.close();
  for (const socket of pending) socket.destroy();
  await platform.close();
  return {
    event: 'outcome',
    reused: stranger.pid === pid,
    launched: 'spiffeId' in first ? first.spiffeId : first.reason,
    stranger: 'reason' in second ? second.reason : second.spiffeId,
  };
}

const stories = { 'by-number': byNumber, launched, reaped };
const said = await stories[process.argv[2] as keyof typeof stories]();
process.stdout.write(`${JSON.stringify(said)}\n`);
rmSync(folder, { recursive: true, force: true });
