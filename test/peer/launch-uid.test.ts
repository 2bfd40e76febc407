// SPDX-License-Identifier: Apache-2.0
/** Attack A12: a launched program keeps the uid, gid and groups of its launcher, unless the rule says otherwise. */
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import type { LaunchTerms } from '../../src/peer/launch-terms.ts';
import { hasCompiler } from '../support/c-program.ts';
import { announce, becomes, idOf, SPIFFE_ID, terms, told } from '../support/launching.ts';
import { asRoot, compile, PeerBench, withGccAsRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('launch-uid');
let program = '';
let setuid = '';
beforeAll(() => {
  chmodSync(folder, 0o755);
  if (!hasCompiler || process.getuid?.() !== 0) return;
  program = compile('caller.c', folder);
  setuid = compile('caller.c', join(folder, 'setuid'));
  chownSync(setuid, 4242, 4242);
  chmodSync(setuid, 0o4755);
});

/** A caller in Node, which can change who it is, launched into the same program. */
async function launched(bench: PeerBench, some: Partial<LaunchTerms>) {
  const caller = await bench.caller();
  const { peer } = await bench.connect(caller);
  const node = bench.share(process.execPath, 'node');
  const script = bench.share(join(import.meta.dirname, 'programs', 'caller.ts'), 'caller.ts');
  const command = [node, '--no-warnings', script];
  const announced = announce(node, command);
  const launch = await bench.platform.launches.bind(peer.process, terms({ ...some, announced }));
  const started = await becomes(bench, caller, `exec ${command.join(' ')}`);
  expect(await idOf(bench, started.peer.process)).toBe(SPIFFE_ID);
  return { caller, command, launch, socket: started.socket };
}

describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with looks alone', connector: false },
])('a launched program, $how', ({ connector }) => {
  asRoot('A12: that becomes another uid is launched no longer, unless the rule allows it', async () => {
    const bench = await PeerBench.open({ connector });
    for (const allowUidChange of [false, true]) {
      const { caller, socket } = await launched(bench, { allowUidChange });
      caller.say('setuid 4242');
      await caller.heard('done');
      await bench.until(() => socket.closed);
      const { peer: after } = await bench.connect(caller);
      expect(after.process.uid).toBe(4242);
      expect(await idOf(bench, after.process)).toBe(allowUidChange ? SPIFFE_ID : undefined);
    }
  });

  // The connector reports no change of groups: then it is the next look that finds it, before anything is given.
  asRoot.each(['setegid 4242', 'setgroups 4242'])('A12: nor is one that keeps its uid: %s', async (change) => {
    const bench = await PeerBench.open({ connector });
    const { caller } = await launched(bench, {});
    caller.say(change);
    await caller.heard('done');
    const { peer: after } = await bench.connect(caller);
    expect([after.process.uid, await idOf(bench, after.process)]).toEqual([0, undefined]);
    await bench.until(() => bench.platform.launches.size === 0);
  });

  withGccAsRoot('A12: a setuid program of another uid is not launched', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await bench.start(program, []);
    const { peer } = await bench.connect(caller);
    const launch = await bench.platform.launches.bind(peer.process, terms({ announced: announce(setuid, [setuid]) }));
    const settled = told(bench, launch);
    caller.say(`exec ${setuid}`);
    await settled;
    expect(bench.platform.launches.size).toBe(0);
  });

  asRoot(
    'A12: that execs again behind a change of uid is launched no longer, though the rule allows the change',
    async () => {
      const bench = await PeerBench.open({ connector });
      const { caller, command, launch } = await launched(bench, { allowUidChange: true });
      const end = told(bench, launch);
      // The very program and arguments that were announced, once more.
      caller.say(`setuidThenExec 4242 ${command.join(' ')}`);
      await end;
      await bench.until(() => bench.platform.launches.size === 0);
    },
  );
});
