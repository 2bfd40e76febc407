// SPDX-License-Identifier: Apache-2.0
/**
 * Attack A12: what a launched program starts counts by the cgroup that the daemon made for the launch, and by nothing that
 * anybody could name or join.
 */
import { chmodSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { LaunchTerms } from '../../src/peer/launch-terms.ts';
import { hasCompiler } from '../support/c-program.ts';
import { pathsOf, TestCgroup, withCgroups } from '../support/launch-cgroups.ts';
import { announce, becomes, idOf, launchOf, SPIFFE_ID, terms } from '../support/launching.ts';
import type { LineProgram } from '../support/line-program.ts';
import { type Accepted, compile, PeerBench } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const withChildren = hasCompiler ? withCgroups : it.skip;
const folder = tempDir('launch-children');
let program = '';
beforeAll(() => {
  chmodSync(folder, 0o755);
  if (hasCompiler) program = compile('caller.c', folder);
});

async function launched(bench: PeerBench, some: Partial<LaunchTerms> = {}, command = [program]): Promise<LineProgram> {
  const caller = await bench.start(program, []);
  const { peer } = await bench.connect(caller);
  const announced = announce(command[0] as string, command);
  await bench.platform.launches.bind(peer.process, terms({ children: true, announced, ...some }));
  const words = command.map((word) => word.replaceAll(' ', '\t'));
  await becomes(bench, caller, `exec ${words.join(' ')}`);
  return caller;
}

async function childOf(bench: PeerBench, caller: LineProgram, uid = ''): Promise<Accepted> {
  const count = bench.accepted.length;
  caller.say(`fork-connect ${bench.path} ${uid}`);
  return bench.next(count);
}

describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with looks alone', connector: false },
])('a child of a launched program, $how', ({ connector }) => {
  withChildren('A12: is one where the rule says so, and whoever stands outside is none', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await launched(bench);
    const { peer } = await childOf(bench, caller);
    expect(await launchOf(bench, peer.process)).toMatchObject({ spiffeId: SPIFFE_ID, program, child: true });
    const outside = await bench.connect(await bench.start(program, []));
    expect(await launchOf(bench, outside.peer.process)).toEqual({ reason: 'it was not started by the launcher' });
  });

  withChildren('A12: is none any more once the program that started it has ended', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await launched(bench);
    const { peer, socket } = await childOf(bench, caller);
    expect(await idOf(bench, peer.process)).toBe(SPIFFE_ID);
    const before = pathsOf(process.pid);
    expect(pathsOf(peer.process.pid)).not.toEqual(before);
    caller.say('again');
    await caller.heard('ready');
    await bench.until(() => bench.platform.launches.size === 0);
    expect(await idOf(bench, peer.process).catch(() => undefined)).toBeUndefined();
    // It is back where it came from, and goes on; its connection rested on where it was.
    await bench.until(() => pathsOf(peer.process.pid).join() === before.join());
    await bench.until(() => socket.closed);
    expect(peer.process.stillSame()).toEqual({ same: false, reason: 'cgroup-changed' });
  });
});

describe('a child', () => {
  withChildren('A12, A10: is not made by a cgroup of the same name', async () => {
    const bench = await PeerBench.open();
    await launched(bench);
    const [path = ''] = pathsOf(bench.accepted.at(-1)?.peer.process.pid as number).filter((one) =>
      one.includes('assay-'),
    );
    const forged = new TestCgroup(`assay-forged-${process.pid}`);
    const below = new TestCgroup(join(forged.name, path.split('/').at(-1) as string));
    const stranger = await bench.start(program, []);
    below.take(stranger.pid);
    const { peer } = await bench.connect(stranger);
    expect(await launchOf(bench, peer.process)).toEqual({
      reason: expect.stringMatching(/no child of a launched program/),
    });
    await stranger.end();
    await bench.until(() => removed(below) && removed(forged));
  });

  withChildren('A12: of another uid is one only where the rule lets the program change its uid', async () => {
    const bench = await PeerBench.open();
    for (const allowUidChange of [false, true]) {
      const { peer } = await childOf(bench, await launched(bench, { allowUidChange }), '4242');
      expect(peer.process.uid).toBe(4242);
      expect(await idOf(bench, peer.process)).toBe(allowUidChange ? SPIFFE_ID : undefined);
    }
  });

  withChildren('A12: that runs a program which the rule does not name is none', async () => {
    const bench = await PeerBench.open();
    const shell = realpathSync('/bin/sh');
    const command = [shell, '-c', `${program}; true`];
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const allowed = { children: true, programs: [shell], announced: announce(shell, command) };
    await bench.platform.launches.bind(peer.process, terms(allowed));
    const child = await becomes(bench, caller, `exec ${command.map((word) => word.replaceAll(' ', '\t')).join(' ')}`);
    expect(child.peer.process.pid).not.toBe(caller.pid);
    expect(await launchOf(bench, child.peer.process)).toEqual({
      reason: expect.stringMatching(/none of the programs/),
    });
  });

  withChildren('A12: cannot be told where a folder above is not root’s: nothing is bound', async () => {
    const bench = await PeerBench.open();
    const cgroup = new TestCgroup(`assay-owned-${process.pid}`, 4242);
    const caller = await bench.start(program, []);
    cgroup.take(caller.pid);
    const { peer } = await bench.connect(caller);
    await expect(bench.platform.launches.bind(peer.process, terms({ children: true }))).rejects.toMatchObject({
      reason: 'LAUNCH_CHILDREN_IMPOSSIBLE',
      message: expect.stringMatching(/owned by uid 4242/),
    });
    expect(bench.platform.launches.size).toBe(0);
    await caller.end();
    await bench.until(() => removed(cgroup));
  });
});

function removed(cgroup: TestCgroup): boolean {
  try {
    cgroup.remove();
    return true;
  } catch {
    return false;
  }
}
