// SPDX-License-Identifier: Apache-2.0
/** TaskService on a real socket, with tasks on a real store behind it: the stream is the lease, whatever happens to it. */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GrpcDoor } from '../../../src/api/grpc-door.ts';
import { workloadChain } from '../../../src/api/interceptors/chain.ts';
import { addTaskService } from '../../../src/api/task/task-service.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Failure } from '../../../src/lib/failure.ts';
import type { Peer } from '../../../src/peer/peer.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { serveDoor } from '../../support/door.ts';
import { RUN, TaskClient } from '../../support/task-stream.ts';
import { AGENT, ALLOW, taskWorld } from '../../support/task-world.ts';
import { tempDir } from '../../support/temp-dir.ts';

const UNDRAINED_MS = 300;
const top = tempDir('task-service');
const socket = join(top, 'api.sock');
const DENY = { policyHash: 'aa', outcome: 'deny', reasons: [{ policyId: 'p', reason: 'not on Sundays' }] } as const;

let w: Awaited<ReturnType<typeof taskWorld>>;
let service: ReturnType<typeof addTaskService>;
let close: () => Promise<void>;
let client: TaskClient;

beforeAll(async () => {
  w = await taskWorld(join(top, 'data'), { perUid: 400, total: 400 });
  await w.entry('agent', 'agent');
  const peerOf = (call: { getPeer(): string }): Peer => door.peerOf(call);
  const door: GrpcDoor = new GrpcDoor({
    name: 'workload',
    clock: systemClock,
    streamsPerConnection: 32,
    headerBytes: 8192,
    requestBytes: 65_536,
    interceptors: workloadChain({
      isServed: (path) => service.served.has(path),
      peerOf,
      ceilings: { acquire: () => ({ release: () => undefined }) },
      rates: { take: () => undefined },
      refused: { add: () => undefined },
    }),
    log: silentLogger,
  });
  service = addTaskService(door.server, {
    tasks: w.tasks,
    peerOf,
    undrainedMs: UNDRAINED_MS,
    clock: systemClock,
    log: silentLogger,
  });
  close = await serveDoor(door, socket);
});
afterAll(async () => {
  await close();
  await w.close();
});
beforeEach(() => {
  w.decides(ALLOW);
  client = new TaskClient(socket);
});
afterEach(async () => {
  client.close();
  expect(await w.settled(() => w.tasks.size === 0 && w.store.tasks.live().length === 0)).toBe(true);
});

async function begun(purpose: string) {
  const stream = client.run({ purpose });
  const { active } = await stream.at(1);
  return { stream, id: active!.task_id, active: active! };
}

describe('a Run stream', () => {
  it('says under which name its task has which socket', async () => {
    const { stream, id, active } = await begun('one');
    expect(active).toMatchObject({ spiffe_id: `${AGENT}/task/${id}`, socket: `unix:///task/${id}.sock` });
    stream.cancel();
  });

  it('I7: that is closed ends its task, while others of the same connection and process stand', async () => {
    const [first, second] = await Promise.all([begun('first'), begun('second')]);
    first.stream.cancel();
    expect(await w.settled(() => w.end(first.id) === 'abandoned')).toBe(true);
    expect(w.end(second.id)).toBeNull();
    second.stream.cancel();
    expect(await w.settled(() => w.end(second.id) === 'abandoned')).toBe(true);
  });

  it('I7: whose connection breaks ends its task', async () => {
    const raw = connect(socket);
    const { id, session } = await rawRun(raw);
    session.on('error', () => undefined);
    raw.destroy();
    expect(await w.settled(() => w.end(id) === 'abandoned')).toBe(true);
  });

  it('ends well once its leader has said how it went, and says so first', async () => {
    const { stream, id } = await begun('said');
    await client.end(id, false, 'refunded');
    expect(await stream.at(2)).toMatchObject({ ended: { task_id: id, end: 'completed', reason: 'refunded' } });
    expect((await stream.status).code).toBe(grpc.status.OK);
    await expect(client.end(id)).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  });

  it('is refused with the reasons, in the status', async () => {
    w.decides(DENY);
    const { code, details } = await client.run().status;
    expect([code, details]).toEqual([grpc.status.PERMISSION_DENIED, expect.stringContaining('not on Sundays')]);
    const garbled = await client.run({ intents: [] }).status;
    expect([garbled.code, garbled.details]).toEqual([grpc.status.INVALID_ARGUMENT, expect.stringContaining('intents')]);
  });

  it('I7: that the daemon ends, as it stops, ends its task', async () => {
    const { stream, id } = await begun('stopped');
    service.endAll(new Failure('unavailable', 'DAEMON_STOPPING', 'the daemon is stopping'));
    expect((await stream.status).code).toBe(grpc.status.UNAVAILABLE);
    expect(await w.settled(() => w.end(id) === 'abandoned')).toBe(true);
  });

  it('B4: of a reader that takes nothing is reset after a while, and its task is over', async () => {
    const { stream, session } = openRaw(connect(socket), { initialWindowSize: 0 }, 'slow');
    session.on('error', () => undefined);
    stream.on('error', () => undefined);
    const reset = new Promise((resolve) => stream.once('close', resolve));
    await reset;
    session.destroy();
    const row = () => w.store.tasks.list({}, { limit: 99 }).rows.find(({ purpose }) => purpose === 'slow');
    expect(await w.settled(() => row()?.end === 'abandoned')).toBe(true);
  });
});

it('I7: no stream that is reset at whatever moment leaves a task behind', async () => {
  for (let round = 0; round < 150; round += 1) {
    const { stream, session } = openRaw(connect(socket), {}, `round ${round}`);
    session.on('error', () => undefined);
    stream.on('error', () => undefined);
    await sleep(Math.random() * 6);
    if (round % 3 === 0) session.destroy();
    else stream.close(8);
    await new Promise((resolve) => setImmediate(resolve));
    session.destroy();
  }
  expect(await w.settled(() => w.tasks.size === 0 && w.store.tasks.live().length === 0)).toBe(true);
  expect(w.store.tasks.list({ state: 'ended' }, { limit: 9 }).rows.length).toBeGreaterThan(0);
});

function openRaw(raw: ReturnType<typeof connect>, settings: object, purpose: string) {
  const session = connectHttp2('http://localhost', { createConnection: () => raw, settings });
  const stream = session.request({
    ':method': 'POST',
    ':path': RUN.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'workload.spiffe.io': 'true',
  });
  const message = RUN.requestSerialize({ purpose, intents: ['crm:read'] });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
  return { session, stream };
}

async function rawRun(raw: ReturnType<typeof connect>) {
  const { session, stream } = openRaw(raw, {}, 'breaks');
  stream.on('error', () => undefined);
  const bytes = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
  return { session, id: RUN.responseDeserialize(bytes.subarray(5)).active!.task_id };
}
