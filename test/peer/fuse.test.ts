// SPDX-License-Identifier: Apache-2.0
/** Callers that run from a file server which stops answering (attack A11): they wait for themselves, and nobody for them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import { FileHelpers } from '../../src/peer/file-helpers.ts';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { statFacts } from '../../src/peer/statx.ts';
import type { LineProgram } from '../support/line-program.ts';
import { type Accepted, compile, PeerBench, withGccAsRoot } from '../support/peers.ts';

const now = new AbortController().signal;
let bench: PeerBench;
let server: LineProgram;

beforeEach(async () => {
  bench = await PeerBench.open({ fileDeadlineMs: 4_000 });
});

async function serve(): Promise<string> {
  const folder = join(bench.folder, 'mount');
  mkdirSync(folder);
  server = await bench.start(compile('hostile-fs.c', bench.folder), [
    folder,
    compile('caller.c', bench.folder, ['-static']),
  ]);
  bench.atClose.push(() => spawnSync('umount', ['-l', folder]));
  return join(folder, 'program');
}

async function hang(): Promise<void> {
  server.say('hang');
  await server.heard('done');
}

/** Milliseconds that the event loop was held up at most while `work` ran. */
async function stall(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let worst = 0;
  const timer = setInterval(() => {
    worst = Math.max(worst, performance.now() - last);
    last = performance.now();
  }, 5);
  await work();
  worst = Math.max(worst, performance.now() - last);
  clearInterval(timer);
  return worst;
}

withGccAsRoot(
  'while the server answers, such a caller has a digest, and the path that the server confirms',
  async () => {
    const program = await serve();
    const { peer } = await bench.connect(await bench.start(program, [], { uid: 4242, gid: 4242 }));
    expect(await peer.process.exe(now)).toMatchObject({ readable: true, path: program });
    expect(await peer.process.digest(now)).toMatchObject({
      readable: true,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  },
);

withGccAsRoot('A11: once it does not, looking, path and digest wait for nothing but their deadline', async () => {
  const program = await serve();
  const hostile = await bench.start(program, [], { uid: 4242, gid: 4242 });
  await hang();
  let accepted: Accepted | undefined;
  const worst = await stall(async () => {
    accepted = await bench.connect(hostile);
    const { peer } = accepted;
    expect(peer.process.stillSame()).toEqual({ same: true });
    await expect(peer.process.exe(now)).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
    await expect(peer.process.digest(now)).rejects.toMatchObject({ reason: 'CALLER_UNREADABLE' });
  });
  // Held up for as long as the server likes, if anything on this thread had asked it.
  expect(worst).toBeLessThan(5_000);
  expect(accepted?.peer.process.stillSame()).toEqual({ same: true });
});

withGccAsRoot('A11: callers on the machine’s own disks are served meanwhile', async () => {
  const program = await serve();
  const hostile = await Promise.all([4242, 4243, 4244].map((uid) => bench.start(program, [], { uid, gid: uid })));
  await hang();
  const peers = [];
  for (const caller of hostile) peers.push((await bench.connect(caller)).peer);
  const own = compile('caller.c', join(bench.folder, 'own'));
  const { peer } = await bench.connect(await bench.start(own, [], { uid: 4245, gid: 4245 }));
  const stuck = peers.map((one) => one.process.digest(now).catch((error: { reason: string }) => error.reason));
  const served = peer.process.digest(now);
  expect(await Promise.race([served, ...stuck])).toMatchObject({ readable: true });
  expect(await Promise.all(stuck)).toEqual(['CALLER_UNREADABLE', 'CALLER_UNREADABLE', 'CALLER_UNREADABLE']);
});

withGccAsRoot(
  'A11: a uid whose helper cannot be ended gets no second one; with 8 such helpers, nobody does',
  async () => {
    const program = await serve();
    const { pid } = await bench.start(program, []);
    const file = statFacts(AT_FDCWD, program);
    await hang();
    const helpers = new FileHelpers({
      clock: systemClock,
      atOnce: 8,
      deadlineMs: 6_000,
      penaltyMs: 0,
      waitingPerOwner: 1,
      waiting: 100,
      warm: 0,
    });
    const messageOf = (uid: number): Promise<string> =>
      helpers
        .run({ owner: uid, cgroup: undefined }, { kind: 'sha256', pid, file, mostBytes: 1 << 29 }, now)
        .then(String, (error: Error) => error.message);
    const uids = Array.from({ length: 8 }, (_, at) => 4300 + at);
    const first = await Promise.all(uids.map(messageOf));
    expect(first).toEqual(uids.map(() => expect.stringMatching(/not read within 6000 ms/)));
    // Counted as stuck a second after the kill; until then the uid's turn has not ended.
    const second = await Promise.all(uids.map(messageOf));
    expect(second).toEqual(uids.map((uid) => expect.stringContaining(`for uid ${uid} cannot be ended yet`)));
    expect(await messageOf(4308)).toMatch(/8 helpers cannot be ended yet/);
    server.say('quit');
    while (helpers.processes > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await helpers.close();
  },
);
