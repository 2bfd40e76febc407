// SPDX-License-Identifier: Apache-2.0
/**
 * An agent with many tasks at once, told apart by their purpose. `task-crowd-agent.ts SOCKET COUNT` begins them all, is given an
 * X.509-SVID in each, and, once it hears SIGUSR2, ends them: every other one with a word, the rest by closing their stream.
 */
import { once } from 'node:events';
import { type RunMessage, TaskClient } from '../support/task-stream.ts';
import { type Messages, WorkloadClient } from '../support/workload-client.ts';

const [socket = '', count = '0'] = process.argv.slice(2);
/** A connection may have 32: some are left to say how a task went. */
const STREAMS = 16;
const ABREAST = 32;

const say = (event: string, more: object = {}): void =>
  void process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...more })}\n`);

interface Begun {
  readonly client: TaskClient;
  readonly stream: Messages<RunMessage>;
  readonly id: string;
  readonly workload: WorkloadClient;
}

const clients = Array.from({ length: Math.ceil(Number(count) / STREAMS) }, () => new TaskClient(socket));

async function begin(at: number): Promise<Begun> {
  const client = clients[Math.floor(at / STREAMS)]!;
  const stream = client.run({ purpose: `ticket ${at}` });
  const { active } = await stream.at(1);
  if (active === undefined) throw new Error('the task is not active');
  const workload = new WorkloadClient(active.socket.replace('unix://', ''));
  const { svids } = await workload.fetchX509Svid().at(1);
  if (svids[0]?.spiffe_id !== active.spiffe_id) throw new Error('it was given another identity');
  return { client, stream, id: active.task_id, workload };
}

/** So many at a time, in order. */
async function each<Given, Made>(
  all: readonly Given[],
  step: (one: Given, at: number) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) made[at] = await step(all[at]!, at);
  };
  await Promise.all(Array.from({ length: ABREAST }, lane));
  return made;
}

say('ready');
const from = Date.now();
const begun = await each(
  Array.from({ length: Number(count) }, (_, at) => at),
  begin,
);
say('begun', { took: Date.now() - from });
await once(process, 'SIGUSR2');
const ending = Date.now();
await each(begun, async ({ client, stream, id }, at) => {
  if (at % 2 === 0) await client.end(id);
  else stream.cancel();
  await stream.status;
});
say('ended', { took: Date.now() - ending });
await once(process, 'SIGUSR2');
process.exit();
