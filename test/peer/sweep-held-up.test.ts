// SPDX-License-Identifier: Apache-2.0
/**
 * A caller that makes the kernel wait wherever somebody looks at it: it execs while a file server refuses to let go of
 * one of its files, which holds a lock of the process for as long as the server likes (attack A11).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { LineProgram } from '../support/line-program.ts';
import { closed, compile, ended, leaveWithChild, PeerBench, withGccAsRoot } from '../support/peers.ts';

interface Scene {
  readonly bench: PeerBench;
  readonly hostile: LineProgram;
}

/** A caller under uid 4242 whose next exec hangs. */
async function scene(connector: boolean): Promise<Scene> {
  const bench = await PeerBench.open({ connector });
  const folder = join(bench.folder, 'mount');
  mkdirSync(folder);
  const program = compile('caller.c', bench.folder);
  const server = await bench.start(compile('hostile-fs.c', bench.folder), [folder, program]);
  bench.atClose.push(() => spawnSync('umount', ['-l', folder]));
  const hostile = await bench.start(program, [], { uid: 4242, gid: 4242 });
  hostile.say(`open ${join(folder, 'program')}`);
  await hostile.heard('opened');
  server.say('hang-flush');
  await server.heard('done');
  return { bench, hostile };
}

withGccAsRoot.each([true, false])(
  'A11: hanging at its first look, it is refused, and others are served (connector: %s)',
  async (connector) => {
    const { bench, hostile } = await scene(connector);
    hostile.say(`connect-exec ${bench.path} /bin/sleep 20`);
    // The daemon is busy meanwhile, so that the exec hangs already when it looks.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    const neighbour = bench.connect(await bench.caller({ uid: 4243, gid: 4243 }));
    await bench.until(() => bench.refused.length > 0);
    expect(bench.refused[0]).toMatchObject({
      reason: 'CALLER_UNREADABLE',
      message: expect.stringMatching(/holds up whoever looks at it/),
    });
    const { peer } = await neighbour;
    expect(peer.process.stillSame()).toEqual({ same: true });

    // Its uid waits for a while; nobody else does.
    const again = await bench.caller({ uid: 4242, gid: 4242 });
    again.say(`connect ${bench.path}`);
    await bench.until(() => bench.refused.length > 1);
    expect(bench.refused[1]?.message).toMatch(/uid 4242 held up a helper a moment ago/);
  },
);

withGccAsRoot('A11: hanging later, it loses its connection, and the others are still watched', async () => {
  const { bench, hostile } = await scene(false);
  const neighbour = await bench.caller({ uid: 4243, gid: 4243 });
  const other = await bench.connect(neighbour);
  await leaveWithChild(neighbour);
  const { socket, peer } = await bench.connect(hostile);
  const held = ended(peer, 12_000);
  hostile.say('exec /bin/sleep 20');
  expect(await held).toBe('unreadable');
  await closed(socket, 1_000);

  const end = ended(other.peer, 5_000);
  neighbour.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
  expect(await end).toMatch(/^exec/);
});
