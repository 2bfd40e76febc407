// SPDX-License-Identifier: Apache-2.0
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { scriptAttestor } from '../../../attestors/script/script-attestor.ts';
import { attestorContract } from '../../../src/attestation/contract.ts';
import type { ProcessHandle } from '../../../src/attestation/plugin.ts';
import { PeerBench } from '../../support/peers.ts';

let bench: PeerBench;

async function make() {
  bench = await PeerBench.open();
  return scriptAttestor({ path: true, sha256: true });
}

async function running(name: string): Promise<ProcessHandle> {
  const script = join(bench.folder, name);
  copyFileSync(join(import.meta.dirname, '../../peer/programs/caller.ts'), script);
  const caller = await bench.start(process.execPath, ['--no-warnings', script]);
  return (await bench.connect(caller)).peer.process;
}

describe('the script attestor, as an attestor,', () => {
  const cases = attestorContract({ make, applies: () => running('a.ts'), another: () => running('b.ts') });
  it.each(cases)('$title', ({ run }) => run());
});
