// SPDX-License-Identifier: Apache-2.0
/**
 * The systemd attestor before a real system manager, in a container of the image that `test/testbed/systemd up` makes. The
 * caller is the worker itself, in a unit.
 *
 *     tools/node/run bench/attestation-systemd.ts [--quick]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttestationOrder, AttestationReport } from './attestation-worker.ts';
import type { Latency } from './connect.ts';
import { ms, printRow, type Row, ratio } from './stats.ts';

const DOCKER = ['-H', 'unix:///var/run/docker.sock'];
const IMAGE = 'local/systemd:1';
const BOOT_MS = 60_000;
const top = resolve(import.meta.dirname, '..');

export async function benchSystemd(quick: boolean): Promise<readonly Row[]> {
  const machine = startMachine();
  if (machine === undefined) {
    const measured = `not measured: no image ${IMAGE} (test/testbed/systemd up, as root)`;
    return [{ what: 'a look, systemd', measured, beside: '-', bar: '-', held: undefined }];
  }
  try {
    await booted(machine);
    return rowsOf(work(machine, quick));
  } finally {
    docker('rm', '-f', machine);
  }
}

/** Undefined where there is none to be had. */
function startMachine(): string | undefined {
  if (process.getuid?.() !== 0 || spawnSync('docker', [...DOCKER, 'image', 'inspect', IMAGE]).status !== 0)
    return undefined;
  const seen = new Set([top, realpathSync(join(top, 'node_modules')), dirname(realpathSync(process.execPath))]);
  const binds = [...seen].flatMap((folder) => ['-v', `${folder}:${folder}`]);
  const tmpfs = ['/run', '/run/lock'].flatMap((folder) => ['--tmpfs', folder]);
  const terminal = ['-v', '/dev/null:/etc/systemd/system/getty@.service'];
  const flags = ['--privileged', '--cgroupns', 'private', '--network', 'none', '--stop-signal', 'SIGRTMIN+3'];
  return docker('run', '-d', ...flags, ...tmpfs, ...binds, ...terminal, IMAGE).trim();
}

async function booted(machine: string): Promise<void> {
  const until = Date.now() + BOOT_MS;
  for (;;) {
    const { stdout } = spawnSync('docker', [...DOCKER, 'exec', machine, 'systemctl', 'is-system-running']);
    if (String(stdout).startsWith('running')) return;
    if (Date.now() > until) throw new Error(`the machine does not come up: ${stdout}`);
    await sleep(200);
  }
}

function work(machine: string, quick: boolean): AttestationReport {
  const order: AttestationOrder = {
    warm: quick ? 1_000 : 10_000,
    cold: quick ? 50 : 300,
    connects: 0,
    workloadSocket: undefined,
    engine: undefined,
    container: undefined,
    systemd: true,
  };
  const unit = ['systemd-run', '--quiet', '--collect', '--pipe', '--wait', '--unit=bench.service'];
  const worker = [process.execPath, '--no-warnings', join(top, 'bench/attestation-worker.ts'), JSON.stringify(order)];
  return JSON.parse(docker('exec', '-i', machine, ...unit, ...worker)) as AttestationReport;
}

function rowsOf({ unix, systemd }: AttestationReport): Row[] {
  if (systemd?.cold === undefined) throw new Error('the worker has not measured it');
  const { warm, another, cold, requests } = systemd;
  return [
    {
      what: 'a look, systemd',
      measured: `warm ${both(warm)}; cold, another process in a known unit: ${both(another)}; connected for it, unit unknown: ${both(cold)}; ${requests} messages for 1,000 warm looks`,
      beside: `unix, the same caller: ${both(unix.warm)}; ratio of p50 ${ratio(warm.p50 / unix.warm.p50)}`,
      bar: '0 messages for 1,000 warm looks',
      held: requests === 0,
    },
  ];
}

function docker(...words: readonly string[]): string {
  return execFileSync('docker', [...DOCKER, ...words], { encoding: 'utf8', maxBuffer: 1 << 20 });
}

function both({ p50, p99 }: Latency): string {
  return `p50 ${ms(p50)}, p99 ${ms(p99)}`;
}

if (process.argv[1] === import.meta.filename) {
  for (const row of await benchSystemd(process.argv.includes('--quick'))) printRow(row);
}
