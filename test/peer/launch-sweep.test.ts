// SPDX-License-Identifier: Apache-2.0
/**
 * Attack A12 where the kernel reports no execs: of two that come at once only the last is seen. A program is then the
 * launched one only if it is what the launcher said, file and arguments; whatever is not certain ends the launch.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import type { AnnouncedProgram, LaunchTerms } from '../../src/peer/launch-terms.ts';
import { hasCompiler } from '../support/c-program.ts';
import { announce, becomes, idOf, launchOf, SPIFFE_ID, terms, told } from '../support/launching.ts';
import type { LineProgram } from '../support/line-program.ts';
import { asRoot, compile, PeerBench, withGcc } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('launch-sweep');
let program = '';
let other = '';
beforeAll(() => {
  chmodSync(folder, 0o755);
  if (!hasCompiler) return;
  program = compile('caller.c', folder, ['-no-pie']);
  other = compile('caller.c', join(folder, 'other'), ['-no-pie']);
});

async function bound(bench: PeerBench, caller: LineProgram, some: Partial<LaunchTerms>) {
  const { peer } = await bench.connect(caller);
  return bench.platform.launches.bind(peer.process, terms(some));
}

describe('of two execs at once', () => {
  const rows: readonly (readonly [string, () => string, () => AnnouncedProgram | undefined])[] = [
    [
      'another program',
      () => `exec /bin/sh -c exec\t${other}`,
      () => announce('/bin/sh', ['/bin/sh', '-c', `exec ${other}`]),
    ],
    ['the same with other arguments', () => `exec ${other} --no-env`, () => announce(other, [other, '--no-env'])],
    ['what nobody announced', () => `exec ${other}`, () => undefined],
  ];

  withGcc.each(rows)('A12, A5: the second is not the launched program: %s', async (_what, command, announced) => {
    const bench = await PeerBench.open({ connector: false });
    const caller = await bench.start(program, []);
    const launch = await bound(bench, caller, { announced: announced() });
    const end = told(bench, launch);
    const { peer } = await becomes(bench, caller, command());
    await end;
    expect(await launchOf(bench, peer.process)).toHaveProperty('reason');
    expect(bench.platform.launches.size).toBe(0);
  });

  asRoot.each(rows.slice(0, 2))('A12: nor is it where the kernel counts them: %s', async (_what, command) => {
    const bench = await PeerBench.open();
    const caller = await bench.start(program, []);
    const launch = await bound(bench, caller, {});
    const end = told(bench, launch);
    const { peer } = await becomes(bench, caller, command());
    await end;
    expect(await launchOf(bench, peer.process)).toHaveProperty('reason');
    expect(bench.platform.launches.size).toBe(0);
  });

  asRoot('an exec that the kernel counts needs no announcement', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.start(program, []);
    await bound(bench, caller, {});
    const { peer } = await becomes(bench, caller, `exec ${other}`);
    expect(await idOf(bench, peer.process)).toBe(SPIFFE_ID);
  });
});

describe('a second exec', () => {
  withGcc('A12, A5: of the same file into the same layout ends the launch', async () => {
    const bench = await PeerBench.open({ connector: false });
    // Without address randomisation from here on.
    const caller = await bench.start(program, ['--still']);
    const launch = await bound(bench, caller, { announced: announce(other, [other]) });
    const { peer } = await becomes(bench, caller, `exec ${other}`);
    expect(await idOf(bench, peer.process)).toBe(SPIFFE_ID);
    // The sweep holds the image of a newcomer some milliseconds later.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const end = told(bench, launch, 3_000);
    caller.say('again');
    await end;
    expect(bench.platform.launches.size).toBe(0);
  });
});
