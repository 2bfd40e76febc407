// SPDX-License-Identifier: Apache-2.0
/** From the command to a daemon that answers on its workload socket, beside Node doing nothing. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Daemon, type DaemonOptions, top } from '../test/support/daemon.ts';
import { emptyCall } from './connect.ts';
import { quantile } from './stats.ts';

export interface StartTimes {
  /** The very first start, which makes the data. */
  readonly first: number;
  /** Medians of those after it. */
  readonly again: number;
  readonly cpu: number;
  readonly bareNode: number;
}

interface Started {
  readonly wall: number;
  /** Of all threads, until the first answer. */
  readonly cpu: number;
}

/** Milliseconds. */
export async function startTimes(options: DaemonOptions, times: number): Promise<StartTimes> {
  const daemon = new Daemon(options);
  const taken: Started[] = [];
  const bare: number[] = [];
  try {
    for (let i = 0; i < times + 1; i += 1) {
      taken.push(await startOnce(daemon));
      await daemon.stop();
      // In turns, so that what else the machine does falls on both.
      bare.push(bareNode());
    }
  } finally {
    await daemon.close();
  }
  const [first, ...again] = taken;
  const median = (of: keyof Started): number =>
    quantile(
      again.map((one) => one[of]),
      0.5,
    );
  return { first: first?.wall ?? Number.NaN, again: median('wall'), cpu: median('cpu'), bareNode: quantile(bare, 0.5) };
}

/** `bin/assay` as a package has it, without the sources beside it; on this Node. */
export function installed(folder: string): DaemonOptions {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyFileSync(join(top, 'bin/assay'), join(folder, 'bin/assay'));
  symlinkSync(join(top, 'dist'), join(folder, 'dist'));
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  return { command: [join(folder, 'bin/assay')], env: { PATH: path } };
}

async function startOnce(daemon: Daemon): Promise<Started> {
  const from = performance.now();
  daemon.launch();
  while (!(await accepts(daemon.workloadSocket))) {
    if (performance.now() - from > 20_000) throw new Error(`the daemon does not serve: ${daemon.output}`);
    await sleep(1);
  }
  await emptyCall(daemon.workloadSocket, 1);
  return { wall: performance.now() - from, cpu: cpuOf(daemon.pid) };
}

/** utime and stime of proc_pid_stat(5), in ticks of 10 ms. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function bareNode(): number {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE|SSL)_/.test(name)));
  const from = performance.now();
  spawnSync(process.execPath, ['-e', '0'], { env });
  return performance.now() - from;
}
