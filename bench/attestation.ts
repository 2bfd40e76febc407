// SPDX-License-Identifier: Apache-2.0
/**
 * What a look costs, by attestor: unix beside those that ask somebody, cold and warm, and how many requests 1,000 warm
 * looks make. Docker is measured where an engine answers, in a container of its own; systemd and plugins in files of their own.
 *
 *     tools/node/run bench/attestation.ts [--quick]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMounts } from '../src/peer/cgroup-owner.ts';
import { Daemon } from '../test/support/daemon.ts';
import { benchPlugins } from './attestation-plugins.ts';
import { benchSystemd } from './attestation-systemd.ts';
import type { AttestationOrder, AttestationReport, Measured } from './attestation-worker.ts';
import type { Latency } from './connect.ts';
import { ms, printRow, type Row, ratio } from './stats.ts';

const ENGINE = '/var/run/docker.sock';
const IMAGE = 'local/busybox:1';

export async function benchAttestation({
  quick,
  dataDir,
}: {
  quick: boolean;
  dataDir: string;
}): Promise<{ rows: Row[] }> {
  const counts = { warm: quick ? 1_000 : 10_000, cold: quick ? 50 : 300, connects: quick ? 300 : 3_000 };
  const container = startContainer();
  const docker = container === undefined ? '' : `, docker: { socket: ${ENGINE} }`;
  const daemon = await Daemon.start({ dataDir, config: [`attestors: { unix: {}${docker} }`] });
  try {
    const entry = { spiffe_id: 'spiffe://example.org/bench', selectors: [`unix:uid:${process.getuid?.()}`] };
    await daemon.admin.createEntry(entry);
    const order: AttestationOrder = {
      ...counts,
      workloadSocket: daemon.workloadSocket,
      engine: container === undefined ? undefined : ENGINE,
      container,
      systemd: false,
    };
    const outside = work({ ...order, engine: undefined }, undefined);
    const inside = container === undefined ? undefined : work(order, `/docker/${container}`);
    const others = [...(await benchSystemd(quick)), ...(await benchPlugins(quick))];
    return { rows: [...rowsOf(outside, inside), ...others] };
  } finally {
    await daemon.close();
    if (container !== undefined) execFileSync('docker', ['rm', '-f', container], { stdio: 'ignore' });
  }
}

/** Undefined where no engine answers, or not as root. */
function startContainer(): string | undefined {
  try {
    const run = ['-H', `unix://${ENGINE}`, 'run', '-d', '--network', 'none', '--label', 'app=bench', IMAGE];
    return process.getuid?.() === 0 ? execFileSync('docker', run, { encoding: 'utf8' }).trim() : undefined;
  } catch {
    return undefined;
  }
}

/** The worker in a cgroup, or where this one is. */
function work(order: AttestationOrder, cgroup: string | undefined): AttestationReport {
  const node = [process.execPath, '--no-warnings', join(import.meta.dirname, 'attestation-worker.ts')];
  const { unified, named } = cgroupMounts();
  const mounts = cgroup === undefined ? [] : [...new Set([unified ?? [], ...named.values()].flat())];
  const moving = 'for f in "$@"; do shift; [ "$f" = -- ] && break; echo $$ >"$f/cgroup.procs"; done; exec "$@"';
  const folders = mounts.map((mount) => join(mount, cgroup ?? ''));
  const args = ['-c', moving, 'sh', ...folders, '--', ...node, JSON.stringify(order)];
  return JSON.parse(execFileSync('sh', args, { encoding: 'utf8', maxBuffer: 1 << 20 })) as AttestationReport;
}

function* rowsOf(outside: AttestationReport, inside: AttestationReport | undefined): Generator<Row> {
  const unix = outside.unix.warm;
  yield {
    what: 'a look, unix (without sha256)',
    measured: both(unix),
    beside: 'nothing: every caller pays it',
    bar: '-',
    held: undefined,
  };
  if (inside?.docker === undefined) {
    yield {
      what: 'a look, docker',
      measured: 'not measured: no engine answers',
      beside: '-',
      bar: '-',
      held: undefined,
    };
    return;
  }
  yield lookRow(
    'docker',
    inside.docker,
    inside.unix.warm,
    '0 requests for 1,000 warm looks',
    inside.docker.requests === 0,
  );
  if (outside.firstSvid === undefined || inside.firstSvid === undefined) return;
  yield {
    what: 'connect, attest (unix and docker), first SVID, in a known container',
    measured: both(inside.firstSvid),
    beside: `outside of containers, the same daemon: ${both(outside.firstSvid)}; ratio of p50 ${ratio(inside.firstSvid.p50 / outside.firstSvid.p50)}`,
    bar: '-',
    held: undefined,
  };
}

function lookRow(name: string, found: Measured, unix: Latency, bar: string, held: boolean): Row {
  const cold = found.cold === undefined ? '' : `; cold ${both(found.cold)}`;
  return {
    what: `a look, ${name}`,
    measured: `warm ${both(found.warm)}${cold}; ${found.requests} requests for 1,000 warm looks`,
    beside: `unix, the same caller: ${both(unix)}; ratio of p50 ${ratio(found.warm.p50 / unix.p50)}`,
    bar,
    held,
  };
}

function both({ p50, p99 }: Latency): string {
  return `p50 ${ms(p50)}, p99 ${ms(p99)}`;
}

if (process.argv[1] === import.meta.filename) {
  const dataDir = mkdtempSync(join(import.meta.dirname, 'out-'));
  try {
    const { rows } = await benchAttestation({ quick: process.argv.includes('--quick'), dataDir });
    for (const row of rows) printRow(row);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
