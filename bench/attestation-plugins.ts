// SPDX-License-Identifier: Apache-2.0
/**
 * Attestors that others wrote: a module in the daemon (examples/attestors/teams), and a process of its own that does as
 * much. Both as the daemon makes them, with what keeps them to the contract.
 *
 *     tools/node/run bench/attestation-plugins.ts [--quick]
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountNames } from '../attestors/unix/account-names.ts';
import { unixAttestor } from '../attestors/unix/unix-attestor.ts';
import type { Attestor, ProcessHandle } from '../src/attestation/plugin.ts';
import { systemClock as clock } from '../src/lib/clock.ts';
import { systemRandom as random } from '../src/lib/random.ts';
import { commandSource } from '../src/plugins/command-plugin.ts';
import { externalAttestor } from '../src/plugins/external-attestor.ts';
import { moduleAttestor } from '../src/plugins/module-attestor.ts';
import { silentLogger as log } from '../src/telemetry/logger.ts';
import type { Latency } from './connect.ts';
import { coldLooks, ownHandle, warmLooks } from './own-handle.ts';
import { ms, printRow, type Row, ratio } from './stats.ts';

const top = join(import.meta.dirname, '..');
const uid = process.getuid?.() ?? 0;
const tools = { clock, log, random, uid, answerMs: 5_000 };

export async function benchPlugins(quick: boolean): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  chmodSync(folder, 0o755);
  const caller = await ownHandle(folder);
  try {
    const warm = quick ? 1_000 : 10_000;
    const unix = await unixWarm(caller.handle, warm);
    const row = async (what: string, cold: string, make: () => Promise<Attestor>, rounds: number): Promise<Row> => {
      const coldTimes = await coldLooks(make, caller.handle, rounds);
      const attestor = await make();
      const times = await warmLooks(attestor, caller.handle, warm);
      await attestor.close?.();
      return rowOf(what, cold, coldTimes, times, unix);
    };
    return [
      await row('a module', 'made and asked for the first time', () => module(folder), quick ? 50 : 300),
      await row(
        'a plugin process',
        'begun, configured and asked for the first time',
        () => program(folder),
        quick ? 3 : 20,
      ),
    ];
  } finally {
    await caller.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function unixWarm(handle: ProcessHandle, count: number): Promise<Latency> {
  const options = { path: true, sha256: false, pathInContainers: false, users: accountNames() };
  return warmLooks(unixAttestor(options), handle, count);
}

function module(folder: string): Promise<Attestor> {
  const file = join(folder, 'teams');
  writeFileSync(file, `${uid} bench\n`, { mode: 0o644 });
  const path = join(top, 'examples/attestors/teams/attestor.ts');
  return moduleAttestor({ name: 'teams', module: path, config: { file }, strength: 'authority' }, tools);
}

function program(folder: string): Promise<Attestor> {
  const file = join(top, 'test/plugins/programs/plugin.ts');
  const command = [process.execPath, '--no-warnings', file, 'teams', String(uid)];
  const owner = { uid, gid: process.getgid?.() ?? 0 };
  const source = commandSource({ name: 'teams', command, owner, parent: join(folder, 'plugins') }, tools);
  return externalAttestor({ name: 'teams', config: undefined, strength: 'authority' }, source, tools);
}

function rowOf(what: string, how: string, cold: Latency, warm: Latency, unix: Latency): Row {
  return {
    what: `a look, ${what}`,
    measured: `warm ${both(warm)}; cold, ${how}: ${both(cold)}`,
    beside: `unix, the same caller: ${both(unix)}; ratio of p50 ${ratio(warm.p50 / unix.p50)}`,
    bar: '-',
    held: undefined,
  };
}

function both({ p50, p99 }: Latency): string {
  return `p50 ${ms(p50)}, p99 ${ms(p99)}`;
}

if (process.argv[1] === import.meta.filename) {
  for (const row of await benchPlugins(process.argv.includes('--quick'))) printRow(row);
}
