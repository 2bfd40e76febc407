// SPDX-License-Identifier: Apache-2.0
/**
 * Prints the budget rows that this milestone has, each beside what it is compared with in the same run, on the same
 * machine. `npm run bench`; `--quick` for fewer rounds. Data lies in bench/out, on the disk of the checkout.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AgentBench } from '../test/support/agent-bench.ts';
import { Daemon, top } from '../test/support/daemon.ts';
import { benchAttestation } from './attestation.ts';
import { benchAudit } from './audit.ts';
import { emptyCall, firstSvid } from './connect.ts';
import { descriptorsOver } from './descriptors.ts';
import { measureDisk } from './disk.ts';
import { entryToStream } from './entry-to-stream.ts';
import { jwtRates } from './jwt.ts';
import { benchMint } from './mint.ts';
import { benchPolicy } from './policy.ts';
import { benchRecorded } from './recorded.ts';
import { installed, type StartTimes, startTimes } from './start.ts';
import { ms, printRow, ratio } from './stats.ts';
import { firstSvidInTask } from './tasks.ts';

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const rounds = flags.quick ? 0.1 : 1;

const out = join(import.meta.dirname, 'out');
mkdirSync(out, { recursive: true });
const data = mkdtempSync(join(out, 'data-'));

try {
  const disk = measureDisk(data);
  console.log(`${availableParallelism()} cores, ${cpus()[0]?.model}, Node ${process.versions.node}`);
  console.log(`disk: fdatasync of 4 KiB p50 ${ms(disk.syncP50Ms)}, p99 ${ms(disk.syncP99Ms)}`);
  if (disk.memory) console.log(`WARNING: ${out} lies on ${disk.memory}; the rows below show no real disk`);

  for (const row of (await benchMint(flags.quick ? 8 : 40)).rows) printRow(row);
  for (const row of (await benchRecorded(join(data, 'recorded'), flags.quick ? 3 : 10)).rows) printRow(row);
  for (const row of benchPolicy(flags.quick ? 3 : 20).rows) printRow(row);
  for (const row of (await benchAudit(join(data, 'audit'), flags.quick ? 50_000 : 1_000_000)).rows) printRow(row);
  await printStart(join(data, 'start'));
  const attestation = await benchAttestation({ quick: flags.quick, dataDir: join(data, 'attestation') });
  for (const row of attestation.rows) printRow(row);
  const daemon = await Daemon.start({ dataDir: join(data, 'daemon') });
  try {
    await daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/bench',
      selectors: [`unix:uid:${process.getuid?.()}`],
    });
    await printConnect(daemon, disk.syncP50Ms);
    await printJwt(daemon);
    await printEntryToStream(daemon);
    await printDescriptors(daemon);
  } finally {
    await daemon.close();
  }
  await printTasks(join(data, 'tasks'));
} finally {
  rmSync(data, { recursive: true, force: true });
}

/** As installed, which is JavaScript; and from this checkout, whose stripped types are kept between starts. */
async function printStart(folder: string): Promise<void> {
  execFileSync(process.execPath, ['--no-warnings', join(top, 'tools/build.ts')], { stdio: 'inherit' });
  const times = flags.quick ? 3 : 15;
  const packaged = await startTimes(
    { ...installed(join(folder, 'package')), dataDir: join(folder, 'installed') },
    times,
  );
  const checkout = await startTimes({ dataDir: join(folder, 'checkout') }, times);
  const show = ({ again, cpu, first }: StartTimes): string =>
    `${ms(again)}, CPU ${ms(cpu)}, the very first, which makes its data, ${ms(first)}`;
  const { again, bareNode } = packaged;
  printRow({
    what: 'start of an empty daemon to serving, p50',
    measured: `${show(packaged)}; from a checkout ${show(checkout)}`,
    beside: `Node starting and doing nothing: ${ms(bareNode)}; ratios ${ratio(again / bareNode)} and ${ratio(checkout.again / checkout.bareNode)}`,
    bar: '500 ms, aim 200 ms',
    held: again <= 500,
  });
}

async function printJwt(daemon: Daemon): Promise<void> {
  const { empty, cached, unseen } = await jwtRates(daemon, 10_000 * rounds);
  const perSecond = (rate: number): string => `${Math.round(rate)}/s`;
  for (const [what, rate, bar, aim] of [
    ['cached', cached, 0.6, 0.8],
    ['never-seen audience', unseen, 0.25, 0.4],
  ] as const)
    printRow({
      what: `JWT-SVIDs over the socket: ${what}`,
      measured: perSecond(rate),
      beside: `an empty unary call: ${perSecond(empty)}; ratio ${ratio(rate / empty)}`,
      bar: `${bar}, aim ${aim}`,
      held: rate / empty >= bar,
    });
}

async function printConnect(daemon: Daemon, sync: number): Promise<void> {
  await firstSvid(daemon.workloadSocket, 100);
  const count = 3000 * rounds;
  const ours = await firstSvid(daemon.workloadSocket, count);
  const bare = await emptyCall(daemon.workloadSocket, count);
  printRow({
    what: 'connect, attest (unix), first SVID',
    measured: `p50 ${ms(ours.p50)}, p99 ${ms(ours.p99)}; p50 less one sync ${ms(ours.p50 - sync)}`,
    beside: `the same client, connected and refused at once: p50 ${ms(bare.p50)}, p99 ${ms(bare.p99)}; ratios ${ratio(ours.p50 / bare.p50)} and ${ratio(ours.p99 / bare.p99)}`,
    bar: "1.5 times another agent's, measured with bench/connect.ts --socket PATH",
    held: undefined,
  });
}

/** A daemon of its own, since an agent has nothing outside of a task: whoever asks here is a service, which has both. */
async function printTasks(dataDir: string): Promise<void> {
  const config = ['insecure_same_uid: true', 'limits: { new_streams_per_second: 10000 }'];
  const bench = await AgentBench.start({ config, dataDir });
  try {
    await bench.permitAll('spiffe://example.org/bench', process.getuid?.() ?? 0);
    const { workloadSocket } = bench.daemon;
    const count = 500 * rounds;
    await firstSvidInTask(workloadSocket, 50);
    await firstSvid(workloadSocket, 50);
    const plain = await firstSvid(workloadSocket, count);
    const within = await firstSvidInTask(workloadSocket, count);
    printRow({
      what: 'a task begun, to its first SVID',
      measured: `p50 ${ms(within.p50)}, p99 ${ms(within.p99)}`,
      beside: `connect, attest, first SVID without a task: p50 ${ms(plain.p50)}, p99 ${ms(plain.p99)}; ratios ${ratio(within.p50 / plain.p50)} and ${ratio(within.p99 / plain.p99)}`,
      bar: '-',
      held: undefined,
    });
  } finally {
    await bench.close();
  }
}

async function printEntryToStream(daemon: Daemon): Promise<void> {
  const { fromRequest, fromCommit } = await entryToStream(daemon, Math.round(400 * rounds));
  printRow({
    what: 'entry committed, to new SVID on an open stream',
    measured: `p50 ${ms(fromCommit.p50)}, p99 ${ms(fromCommit.p99)}`,
    beside: `from the operator's request on: p50 ${ms(fromRequest.p50)}, p99 ${ms(fromRequest.p99)}`,
    bar: 'p99 50 ms, aim 10 ms',
    held: fromCommit.p99 <= 50,
  });
}

async function printDescriptors(daemon: Daemon): Promise<void> {
  const connects = 10_000 * rounds;
  const { before, after, residentBeforeMb, residentAfterMb } = await descriptorsOver(daemon, connects);
  printRow({
    what: `descriptors after ${connects} connects, each with its SVID`,
    measured: `${after}; resident ${residentAfterMb.toFixed(0)} MB`,
    beside: `before: ${before}; resident ${residentBeforeMb.toFixed(0)} MB`,
    bar: 'flat',
    held: after <= before,
  });
}
