// SPDX-License-Identifier: Apache-2.0
import { describe, it } from '@jest/globals';
import { accountNames } from '../../../attestors/unix/account-names.ts';
import { unixAttestor } from '../../../attestors/unix/unix-attestor.ts';
import { attestorContract } from '../../../src/attestation/contract.ts';
import type { ProcessHandle } from '../../../src/attestation/plugin.ts';
import { asRoot, PeerBench } from '../../support/peers.ts';

const make = () => unixAttestor({ path: true, sha256: true, pathInContainers: false, users: accountNames() });

async function caller(uid?: number): Promise<ProcessHandle> {
  const bench = await PeerBench.open();
  const { peer } = await bench.connect(await bench.caller(uid === undefined ? {} : { uid }));
  return peer.process;
}

describe('the unix attestor, as an attestor,', () => {
  for (const { title, run } of attestorContract({ make, applies: () => caller() })) it(title, run);

  for (const { title, run } of attestorContract({ make, applies: () => caller(), another: () => caller(12_345) })) {
    if (title.includes('mixes up')) asRoot(title, run);
  }
});
