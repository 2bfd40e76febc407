// SPDX-License-Identifier: Apache-2.0
/** Whether connections leave anything behind: the daemon's descriptors before and after many of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../test/support/daemon.ts';
import { firstSvid } from './connect.ts';

export interface Descriptors {
  readonly before: number;
  readonly after: number;
  readonly residentBeforeMb: number;
  readonly residentAfterMb: number;
}

const ABREAST = 8;

export async function descriptorsOver(daemon: Daemon, connects: number): Promise<Descriptors> {
  await firstSvid(daemon.workloadSocket, 50);
  await sleep(500);
  const before = count(daemon.pid);
  const residentBeforeMb = residentMb(daemon.pid);
  await Promise.all(Array.from({ length: ABREAST }, () => firstSvid(daemon.workloadSocket, connects / ABREAST)));
  // The last ones close a moment after their client has gone.
  for (let tries = 0; tries < 50 && count(daemon.pid) > before; tries += 1) await sleep(100);
  return { before, after: count(daemon.pid), residentBeforeMb, residentAfterMb: residentMb(daemon.pid) };
}

const count = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}
