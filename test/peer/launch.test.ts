// SPDX-License-Identifier: Apache-2.0
/**
 * Attack A12: who is launched is who asked, over its own connection, and for one exec. All of it holds with the process
 * connector (as root) and without it, where execs are found by looking.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { hasCompiler } from '../support/c-program.ts';
import { announce, becomes, idOf, launchOf, SPIFFE_ID, terms, told } from '../support/launching.ts';
import type { LineProgram } from '../support/line-program.ts';
import { asRoot, compile, leaveWithChild, PeerBench, withGcc, withGccAsRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('launch');
let program = '';
let other = '';
beforeAll(() => {
  if (!hasCompiler) return;
  program = compile('caller.c', folder);
  other = compile('caller.c', join(folder, 'other'));
  spawnSync('chmod', ['-R', 'a+rX', folder]);
});

const announced = (file: string) => ({ announced: announce(file, [file]) });

describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with looks alone', connector: false },
])('a launch, $how', ({ connector }) => {
  withGcc('A12: is the process that asked, once it has become its program, and not before', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const bound = await bench.platform.launches.bind(peer.process, terms(announced(other)));
    expect(bound.execWithinMs).toBe(10_000);
    expect(await launchOf(bench, peer.process)).toEqual({
      id: bound.id,
      reason: expect.stringMatching(/started no program yet/),
    });
    const started = await becomes(bench, caller, `exec ${other}`);
    expect(started.peer.process.pid).toBe(caller.pid);
    expect(await launchOf(bench, started.peer.process)).toEqual({
      id: bound.id,
      spiffeId: SPIFFE_ID,
      program: other,
      child: false,
    });
  });

  withGcc('A12: ends with a second exec, within 2 s, though the new program keeps the connection', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const bound = await bench.platform.launches.bind(peer.process, terms(announced(other)));
    const started = await becomes(bench, caller, `exec ${other}`);
    expect(await idOf(bench, started.peer.process)).toBe(SPIFFE_ID);
    const end = told(bench, bound, 2_000);
    caller.say('again');
    await caller.heard('ready');
    await end;
    expect(bench.platform.launches.size).toBe(0);
    const { peer: second } = await bench.connect(caller);
    expect(await launchOf(bench, second.process)).toEqual({ reason: 'it was not started by the launcher' });
  });

  withGcc('A12: says nothing of a second program that asks before anybody has noticed the exec', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    await bench.platform.launches.bind(peer.process, terms(announced(other)));
    const started = await becomes(bench, caller, `exec ${other}`);
    expect(await idOf(bench, started.peer.process)).toBe(SPIFFE_ID);
    caller.say(`exec ${program}`);
    await caller.heard('ready');
    const second = await bench.connect(caller);
    const found = await launchOf(bench, second.peer.process).catch((error: Error) => ({ reason: error.message }));
    expect(found).toMatchObject({
      reason: expect.stringMatching(/its launch has ended|no longer the one|not started by the launcher/),
    });
  });

  withGcc('A12: is nobody else: neither a neighbour nor a child that holds the connection', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const before = await forkOf(bench, caller);
    await bench.platform.launches.bind(peer.process, terms(announced(other)));
    const neighbour = await bench.connect(await bench.start(other, []));
    const started = await becomes(bench, caller, `exec ${other}`);
    expect(await idOf(bench, started.peer.process)).toBe(SPIFFE_ID);
    const after = await forkOf(bench, caller);
    for (const { peer: stranger } of [before, neighbour, after])
      expect(await launchOf(bench, stranger.process)).toEqual({ reason: 'it was not started by the launcher' });
  });

  withGcc('ends when its process does', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const bound = await bench.platform.launches.bind(peer.process, terms(announced(other)));
    await becomes(bench, caller, `exec ${other}`);
    const end = told(bench, bound, 2_000);
    caller.say('quit');
    await end;
    expect(bench.platform.launches.size).toBe(0);
  });

  withGcc('survives a second exec where the rule allows it', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    await bench.platform.launches.bind(peer.process, terms({ allowExec: true }));
    for (const command of [`exec ${other}`, 'again', `exec ${program}`]) {
      const { peer: now } = await becomes(bench, caller, command);
      expect(await idOf(bench, now.process)).toBe(SPIFFE_ID);
    }
  });

  withGccAsRoot('A12: ends when its program is none of those that the rule names', async () => {
    const bench = await PeerBench.open({ connector });
    const listed = '/usr/bin/sleep';
    for (const [command, size] of [
      [`${listed} 20`, 1],
      [`${other}`, 0],
    ] as const) {
      const caller = await bench.start(program, []);
      const { peer } = await bench.connect(caller);
      const allowed = { programs: [listed], announced: announce(command.split(' ')[0] as string, command.split(' ')) };
      const bound = await bench.platform.launches.bind(peer.process, terms(allowed));
      const settled = told(bench, bound);
      caller.say(`exec ${command}`);
      await settled;
      expect(bench.platform.launches.size).toBe(size);
      await caller.end();
      await bench.until(() => bench.platform.launches.size === 0);
    }
  });
});

async function forkOf(bench: PeerBench, caller: LineProgram) {
  const count = bench.accepted.length;
  caller.say(`fork-connect ${bench.path}`);
  return bench.next(count);
}

describe('binding', () => {
  asRoot('A12: refuses who has started a program already, though nobody has heard of it', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    await leaveWithChild(caller);
    caller.say(`exec ${process.execPath} -e setTimeout(()=>{},20000)`);
    const until = performance.now() + 5_000;
    while (!readFileSync(`/proc/${caller.pid}/cmdline`, 'utf8').includes('setTimeout') && performance.now() < until);
    await expect(bench.platform.launches.bind(peer.process, terms())).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    expect(bench.platform.launches.size).toBe(0);
  });

  it('ends by itself when no program is started in time', async () => {
    const bench = await PeerBench.open({ launches: { perUid: 8, total: 8, execWithinMs: 200 } });
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    const bound = await bench.platform.launches.bind(peer.process, terms());
    await told(bench, bound, 5_000);
    expect(bench.platform.launches.size).toBe(0);
    expect(peer.process.stillSame()).toEqual({ same: true });
  });

  it('anew ends the launch before', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const first = await bench.platform.launches.bind(peer.process, terms());
    const end = told(bench, first);
    const second = await bench.platform.launches.bind(peer.process, terms());
    await end;
    expect([bench.platform.launches.size, second.id === first.id]).toEqual([1, false]);
  });

  it('I9: has a ceiling by uid', async () => {
    const bench = await PeerBench.open({ launches: { perUid: 2, total: 8, execWithinMs: 10_000 } });
    const callers = await Promise.all([bench.caller(), bench.caller(), bench.caller()]);
    const peers = [];
    for (const caller of callers) peers.push((await bench.connect(caller)).peer.process);
    for (const peer of peers.slice(0, 2)) await bench.platform.launches.bind(peer, terms());
    await expect(bench.platform.launches.bind(peers[2] as never, terms())).rejects.toMatchObject({
      reason: 'CEILING_REACHED',
      message: expect.stringMatching(/too many launches of uid \d+: the ceiling is 2/),
    });
    await callers[0]?.end();
    await bench.until(() => bench.platform.launches.size === 1);
    await bench.platform.launches.bind(peers[2] as never, terms());
  });
});
