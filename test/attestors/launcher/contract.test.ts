// SPDX-License-Identifier: Apache-2.0
import { chmodSync } from 'node:fs';
import { beforeAll, describe } from '@jest/globals';
import { launcherAttestor } from '../../../attestors/launcher/launcher-attestor.ts';
import { attestorContract } from '../../../src/attestation/contract.ts';
import type { ProcessHandle } from '../../../src/attestation/plugin.ts';
import { hasCompiler } from '../../support/c-program.ts';
import { announce, becomes, terms } from '../../support/launching.ts';
import { compile, PeerBench, withGcc } from '../../support/peers.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('launcher-contract');
let program = '';
let bench: PeerBench;
beforeAll(() => {
  chmodSync(folder, 0o755);
  if (hasCompiler) program = compile('caller.c', folder);
});

async function make() {
  bench = await PeerBench.open();
  return launcherAttestor(bench.platform.launches);
}

async function launched(spiffeId: string): Promise<ProcessHandle> {
  const caller = await bench.start(program, []);
  const { peer } = await bench.connect(caller);
  await bench.platform.launches.bind(peer.process, terms({ spiffeId, announced: announce(program, [program]) }));
  return (await becomes(bench, caller, `exec ${program}`)).peer.process;
}

describe('the launcher attestor, as an attestor,', () => {
  const cases = attestorContract({
    make,
    applies: () => launched('spiffe://example.org/a'),
    another: () => launched('spiffe://example.org/b'),
    doesNotApply: async () => (await bench.connect(await bench.start(program, []))).peer.process,
    change: async (process) => void (await bench.platform.launches.bind(process, terms())),
  });
  for (const { title, run } of cases) withGcc(title, run);
});
