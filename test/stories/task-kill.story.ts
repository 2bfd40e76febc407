// SPDX-License-Identifier: Apache-2.0
/**
 * `kill -9` of an agent, while a tool that it started uses what it was given: a service, the agent, its tool and the daemon are a
 * process each. `STORY_KILLS` says how often; 10 times unless told.
 */
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { authorizeId, createTlsServer, httpsAgent, type Peer, X509Source } from '../../src/client/index.ts';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { top } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { JsonLines } from '../support/json-lines.ts';
import { listening, portOf } from '../support/tls-parties.ts';

const KILLS = Number(process.env['STORY_KILLS'] ?? 10);
const WITHIN_MS = 2_000;
const app = `${top}/test/stories/task-agent.ts`;

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: only root can start an agent under a uid of its own');
const asRoot = isRoot ? it : it.skip;

let bench: AgentBench;
let port = 0;
let source: X509Source;
let service: Server;
const started = new Set<JsonLines>();

beforeAll(async () => {
  if (!isRoot) return;
  port = await freePort();
  bench = await AgentBench.start([`introspection: { listen: "127.0.0.1:${port}" }`]);
  await bench.good('entry', 'create', '--spiffe-id', 'spiffe://example.org/billing', '--selector', 'unix:uid:0');
  source = await X509Source.open({ socket: bench.daemon.endpoint });
  const authorize = ({ spiffeId }: Peer): boolean => spiffeId.toString().startsWith(`${AGENT}/task/`);
  service = createTlsServer(source, { authorize }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => socket.write(bytes));
  });
  service.on('tlsClientError', () => undefined);
  await listening(service);
});
afterAll(async () => {
  for (const one of started) {
    one.kill();
    // The tool has outlived its agent, unless its round came to its end.
    for (const pid of new Set(one.events.map(({ pid }) => pid as number))) end(pid);
    await one.exited;
  }
  service?.close();
  source?.close();
  await bench?.close();
});

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function isActive(token: string): Promise<boolean> {
  const agent = httpsAgent(source, { authorize: authorizeId('spiffe://example.org/spire/server') });
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const asked = request(
      { host: '127.0.0.1', port, path: '/introspect', method: 'POST', agent, headers },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    asked.on('error', reject);
    asked.end(new URLSearchParams({ token }).toString());
  }).finally(() => agent.destroy());
  return (JSON.parse(body) as { readonly active: boolean }).active;
}

interface Took {
  readonly inactive: number;
  readonly refused: number;
  readonly cut: number;
}

/** Milliseconds from the kill on. */
async function killOne(round: number): Promise<Took> {
  const id = String(AGENT_UID);
  const as = ['--reuid', id, '--regid', id, '--clear-groups', process.execPath, '--no-warnings', app];
  const agent = new JsonLines('setpriv', [
    ...as,
    'agent',
    bench.daemon.workloadSocket,
    String(portOf(service)),
    `ticket ${round}`,
  ]);
  started.add(agent);
  // 1. The agent has a task, its tool an identity of it, and the service serves that.
  const { task } = await agent.named('active');
  const given = await agent.named('identity');
  expect(given['id']).toBe(`${AGENT}/task/${task}`);
  await agent.named('served');
  expect(await isActive(given['token'] as string)).toBe(true);
  expect(agent.count('cut') + agent.count('refused')).toBe(0);

  // 2. Whoever holds the task dies; the tool lives on.
  const killed = Date.now();
  agent.kill();
  while (await isActive(given['token'] as string)) await sleep(10);
  const inactive = Date.now() - killed;
  const cut = Number((await agent.named('cut'))['at']) - killed;
  const refused = Number((await agent.named('refused'))['at']) - killed;

  // 3. It is refused from then on.
  await sleep(200);
  const later = agent.events.filter(({ event, from }) => event === 'served' && Number(from) > killed + refused);
  expect(later).toEqual([]);
  expect(await isActive(given['token'] as string)).toBe(false);
  end(given['pid'] as number);
  await agent.exited;
  started.delete(agent);
  return { inactive, refused, cut };
}

asRoot(
  `A12, I7: an agent that is killed takes all that its task was given with it, in under 2 s, ${KILLS} times of ${KILLS}`,
  async () => {
    const all: Took[] = [];
    for (let round = 0; round < KILLS; round += 1) all.push(await killOne(round));
    const slowest = (what: keyof Took): number => Math.max(...all.map((one) => one[what]));
    const [inactive, refused, cut] = [slowest('inactive'), slowest('refused'), slowest('cut')];
    console.log(
      `${all.length} agents killed; slowest: token inactive after ${inactive} ms, new connections refused after ${refused} ms, the open one cut after ${cut} ms`,
    );
    expect(Math.max(inactive, refused, cut)).toBeLessThan(WITHIN_MS);
    expect((await bench.json('task', 'list', '--state', 'active')).tasks).toEqual([]);
  },
);
