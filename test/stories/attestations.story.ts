// SPDX-License-Identifier: Apache-2.0
/**
 * 20,000 attestations leave nothing behind: each connects anew and has its SVID, some 2,000 of them from processes that
 * live for that one call, thousands more of which end before it; asked are unix, script and a plugin in a process of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasCompiler } from '../support/c-program.ts';
import { Daemon, top } from '../support/daemon.ts';
import { PidStorm, STORM_LIMITS } from '../support/pid-storm.ts';
import { tempDir } from '../support/temp-dir.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const ATTESTATIONS = 20_000;
const ROUNDS = 4;
const STORM = 1_300;
const SLOTS = 24;
const ABREAST = 8;
/**
 * In use for each attestation of the second half, once garbage is gone. A certificate and its key alone have a kilobyte, a
 * connection many.
 */
const MOST_BYTES_EACH = 100;
/** Resident memory, which no collection of garbage tells anything of: what native code holds is in it, and so is what is free. */
const MOST_RESIDENT_EACH = 2_048;

const can = process.getuid?.() === 0 && hasCompiler;
if (!can) console.warn('skipped: needs root, for processes of two uids, and gcc');

/** As bin/assay starts it, and told to say what it holds. */
const NODE = [
  process.execPath,
  ...['--disable-sigusr1', '--max-semi-space-size=4', '--no-warnings', '--expose-gc'],
  ...['--import', join(top, 'test/support/tell-heap.ts')],
];

interface Held {
  readonly processes: number;
  readonly descriptors: number;
  /** On the daemon's JavaScript heap and what hangs on it. */
  readonly inUse: number;
  /** Of the daemon. */
  readonly resident: number;
}

(can ? describe : describe.skip)('20,000 attestations', () => {
  const folder = tempDir('flat');
  let daemon: Daemon;
  let storm: PidStorm;

  beforeAll(async () => {
    const plugin = join(import.meta.dirname, '../plugins/programs/plugin.ts');
    const command = [process.execPath, '--no-warnings', plugin, 'teams', '0', ...PidStorm.uids.map(String)];
    const attestors = `attestors: { unix: {}, script: {}, mine: { command: ${JSON.stringify(command)} } }`;
    daemon = await Daemon.start({
      command: [...NODE, join(top, 'src/main.ts')],
      config: [attestors, STORM_LIMITS],
      env: { ASSAY_SOCKETS_PLUGIN_DIR: join(folder, 'plugins') },
    });
    storm = await PidStorm.prepare(folder, daemon, ['mine:team:payments']);
    await daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/live',
      selectors: ['unix:uid:0', 'mine:team:payments'],
    });
    // Somebody wants to know of scripts.
    await daemon.admin.createEntry({
      spiffe_id: 'spiffe://example.org/job',
      selectors: ['unix:uid:0', 'script:path:/srv/job', 'unix:sha256:00'.padEnd(76, '0')],
    });
  });
  afterAll(() => daemon?.close());

  /** From a process that lives: connects, has its SVID, goes. */
  async function connects(count: number): Promise<void> {
    let left = count;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const client = new WorkloadClient(daemon.workloadSocket);
        const stream = client.fetchX509Svid();
        const svids = (await stream.at(1).catch(() => undefined))?.svids;
        // A busy machine may have no time for some.
        if (svids === undefined) left += 1;
        else expect(svids.map(({ spiffe_id }) => spiffe_id)).toEqual(['spiffe://example.org/live']);
        stream.cancel();
        client.close();
      }
    };
    await Promise.all(Array.from({ length: ABREAST }, work));
  }

  /** Gives how many were of processes of their own. */
  async function round(attestations: number): Promise<number> {
    const report = await storm.run(STORM, SLOTS);
    expect(report).toMatchObject({ wrong: 0, leftOpen: 0 });
    await connects(attestations - report.stayedAnswered);
    return report.stayedAnswered;
  }

  it('leave no descriptor, no process and no memory behind', async () => {
    await round(2_000);
    const start = await settled(daemon);
    const held: Held[] = [];
    let distinct = 0;
    for (let i = 0; i < ROUNDS; i += 1) {
      distinct += await round(ATTESTATIONS / ROUNDS);
      held.push(await settled(daemon, start));
    }
    const [half, end] = [held[ROUNDS / 2 - 1], held[ROUNDS - 1]] as [Held, Held];
    const each = (of: 'inUse' | 'resident'): number => (end[of] - half[of]) / (ATTESTATIONS / 2);
    const show = ({ processes, descriptors, inUse, resident }: Held): string =>
      `${descriptors} descriptors in ${processes} processes; in use ${mb(inUse)}, resident ${mb(resident)}`;
    console.log(
      [
        `${ATTESTATIONS} attestations, ${distinct} of them of processes of their own`,
        `before: ${show(start)}`,
        ...held.map((one, i) => `after ${((i + 1) * ATTESTATIONS) / ROUNDS}: ${show(one)}`),
        `second half, bytes each: in use ${each('inUse').toFixed(0)}, resident ${each('resident').toFixed(0)}`,
      ].join('\n'),
    );
    expect(distinct).toBeGreaterThanOrEqual(2_000);
    expect(end.descriptors).toBeLessThanOrEqual(start.descriptors);
    expect(end.processes).toBeLessThanOrEqual(start.processes);
    expect(each('inUse')).toBeLessThanOrEqual(MOST_BYTES_EACH);
    expect(each('resident')).toBeLessThanOrEqual(MOST_RESIDENT_EACH);
  }, 1_800_000);
});

/** Once nothing changes any more, or as little is left as at the start. */
async function settled(daemon: Daemon, start?: Held): Promise<Held> {
  let before = family(daemon.pid);
  for (let tries = 0; tries < 60; tries += 1) {
    await sleep(500);
    const now = family(daemon.pid);
    const calm = start === undefined ? now.descriptors === before.descriptors : now.descriptors <= start.descriptors;
    if (calm && now.processes === before.processes) break;
    before = now;
  }
  return { ...family(daemon.pid), inUse: await inUse(daemon), resident: resident(daemon.pid) };
}

/** The daemon, its helpers and its plugin. */
function family(pid: number): Pick<Held, 'processes' | 'descriptors'> {
  const pids = familyOf(pid);
  return {
    processes: pids.length,
    descriptors: pids.reduce((sum, one) => sum + readdirSync(`/proc/${one}/fd`).length, 0),
  };
}

function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

async function inUse(daemon: Daemon): Promise<number> {
  const said = (): string[] => [...daemon.output.matchAll(/in use: (\{.*\})/g)].map(([, json]) => json as string);
  const before = said().length;
  process.kill(daemon.pid, 'SIGUSR2');
  while (said().length === before) await sleep(50);
  const { heapUsed, external } = JSON.parse(said().at(-1) as string) as { heapUsed: number; external: number };
  return heapUsed + external;
}

/** VmRSS of proc_pid_status(5). */
function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function mb(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
