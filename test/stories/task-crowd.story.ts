// SPDX-License-Identifier: Apache-2.0
/** A thousand tasks at once on one daemon, begun, used and ended, again and again: nothing of them is left. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { top } from '../support/daemon.ts';
import { JsonLines } from '../support/json-lines.ts';

const TASKS = 1_000;
const ROUNDS = 3;
/** In bytes, over all rounds after the first. */
const MOST_LEFT = 2 * 1024 * 1024;
const SETTLE_MS = 120_000;
const app = join(top, 'test/stories/task-crowd-agent.ts');

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: only root can start an agent under a uid of its own');
const asRoot = isRoot ? it : it.skip;

let bench: AgentBench;
const agents: JsonLines[] = [];
beforeAll(async () => {
  if (!isRoot) return;
  const limits = 'tasks_per_uid: 1000, tasks: 2000, streams_per_uid: 4096, connections_per_uid: 2048';
  const more = 'connections_per_cgroup: 4096, new_streams_per_second: 10000';
  const command = [
    process.execPath,
    '--max-semi-space-size=4',
    '--no-warnings',
    '--expose-gc',
    '--import',
    join(top, 'test/support/tell-heap.ts'),
    join(top, 'src/main.ts'),
  ];
  bench = await AgentBench.start({ config: [`limits: { ${limits}, ${more} }`], command });
});
afterAll(async () => {
  for (const agent of agents) {
    agent.kill();
    await agent.exited;
  }
  await bench?.close();
});

const sockets = (): number => readdirSync(join(bench.daemon.folder, 'task')).length;
const descriptors = (): number => readdirSync(`/proc/${bench.daemon.pid}/fd`).length;
async function live(): Promise<number> {
  const { tasks } = await bench.json('task', 'list', '--state', 'active', '--limit', String(2 * TASKS));
  return tasks.length;
}

/** In the daemon, once its garbage is gone; in bytes. */
async function inUse(): Promise<number> {
  const said = (): string[] => [...bench.daemon.output.matchAll(/in use: (\{.*\})/g)].map(([, json]) => json as string);
  const before = said().length;
  process.kill(bench.daemon.pid, 'SIGUSR2');
  while (said().length === before) await sleep(20);
  const { heapUsed, external } = JSON.parse(said().at(-1)!) as { heapUsed: number; external: number };
  return heapUsed + external;
}

interface Left {
  readonly sockets: number;
  readonly live: number;
  readonly descriptors: number;
  readonly inUse: number;
}

async function left(): Promise<Left> {
  const until = Date.now() + SETTLE_MS;
  while ((sockets() > 0 || (await live()) > 0) && Date.now() < until) await sleep(100);
  // Its last connections are closed.
  await sleep(2_000);
  return { sockets: sockets(), live: await live(), descriptors: descriptors(), inUse: await inUse() };
}

async function round(): Promise<{ readonly begun: number; readonly ended: number; readonly heldInUse: number }> {
  const id = String(AGENT_UID);
  const as = ['--reuid', id, '--regid', id, '--clear-groups', process.execPath, '--no-warnings', app];
  const agent = new JsonLines('setpriv', [...as, bench.daemon.workloadSocket, String(TASKS)]);
  agents.push(agent);
  const begun = await agent.named('begun', 300_000);
  expect([await live(), sockets()]).toEqual([TASKS, TASKS]);
  const heldInUse = await inUse();
  process.kill(agent.pid, 'SIGUSR2');
  const ended = await agent.named('ended', 300_000);
  process.kill(agent.pid, 'SIGUSR2');
  await agent.exited;
  return { begun: Number(begun['took']), ended: Number(ended['took']), heldInUse };
}

asRoot(
  'I7, I9: a thousand tasks at once leave no socket, no row that is live, no descriptor and no memory',
  async () => {
    const seen: Left[] = [];
    for (let at = 0; at < ROUNDS; at += 1) {
      const { begun, ended, heldInUse } = await round();
      const now = await left();
      seen.push(now);
      const kb = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
      console.log(
        `${TASKS} tasks: begun and each given an SVID in ${begun} ms (${Math.round((TASKS * 1000) / begun)}/s), ended in ${ended} ms; ` +
          `each held ${kb((heldInUse - now.inUse) / TASKS)}; after: ${now.descriptors} descriptors, ${kb(now.inUse)} in use`,
      );
    }
    // The first round leaves what any first use leaves.
    const [first, ...later] = seen;
    for (const now of later) {
      expect(now).toMatchObject({ sockets: 0, live: 0 });
      expect(now.descriptors).toBeLessThanOrEqual(first!.descriptors);
    }
    expect(later.at(-1)!.inUse - first!.inUse).toBeLessThan(MOST_LEFT);
  },
);
