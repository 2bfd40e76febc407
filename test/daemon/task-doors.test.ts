// SPDX-License-Identifier: Apache-2.0
/** What a daemon finds in the folder of its tasks when it starts. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { TaskDoors } from '../../src/daemon/task-doors.ts';
import { inspect } from '../support/config.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const DEAD = '01k0000000000000000000dead.sock';
const ALIVE = '01k000000000000000000a1ive.sock';
const FILE = '01k00000000000000000000fi1e.sock';

const top = tempDir('task-doors');
let count = 0;
let folder: string;
let other: Server | undefined;
let log: RecordingLogger;

beforeEach(() => {
  count += 1;
  folder = join(top, `t${count}`);
  other = undefined;
  log = new RecordingLogger();
});
afterEach(() => {
  other?.close();
});

async function doors(): Promise<TaskDoors> {
  const { config } = await inspect(top, { yaml: `trust_domain: example.org\nsockets: { task_dir: ${folder} }\n` });
  const parts = { config: config!, platform: {} as never, ownUid: 0, refused: { add: () => undefined } };
  return new TaskDoors({ ...parts, clock: new FakeClock(), log });
}

const listening = (path: string): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(path, () => resolve(server));
  });

/** As a daemon leaves it that was killed. */
async function deadSocket(path: string): Promise<void> {
  const server = await listening(`${path}.here`);
  renameSync(`${path}.here`, path);
  await new Promise((resolve) => server.close(resolve));
}

it('WEP-19: sockets that a killed daemon left are removed, and nothing else', async () => {
  mkdirSync(folder);
  await deadSocket(join(folder, DEAD));
  await deadSocket(join(folder, 'other.sock'));
  writeFileSync(join(folder, FILE), '');
  await (await doors()).removeLeftovers();
  expect(readdirSync(folder).sort()).toEqual([FILE, 'other.sock']);
});

it('WEP-19: a socket behind which another daemon listens stays, and is told of', async () => {
  mkdirSync(folder);
  other = await listening(join(folder, ALIVE));
  await deadSocket(join(folder, DEAD));
  await (await doors()).removeLeftovers();
  expect(readdirSync(folder)).toEqual([ALIVE]);
  expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([
    expect.objectContaining({ fields: { folder, left: [join(folder, ALIVE)] } }),
  ]);
});

it('a folder that is not there yet holds none', async () => {
  await expect((await doors()).removeLeftovers()).resolves.toBeUndefined();
});
