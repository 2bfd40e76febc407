// SPDX-License-Identifier: Apache-2.0
import { describe, it } from '@jest/globals';
import { attestorContract } from '../../../src/attestation/contract.ts';
import type { Attestor } from '../../../src/attestation/plugin.ts';
import { attestorOf, ID, INIT, OTHER, processIn, watching } from '../../support/docker-looks.ts';
import { FakeEngine } from '../../support/fake-engine.ts';

const web = { pid: INIT, labels: { app: 'web' }, env: ['A=b'] };
let engine: FakeEngine;

async function make(): Promise<Attestor> {
  engine = await FakeEngine.start({ [ID]: web, [OTHER]: { pid: 9, labels: { app: 'other' } } });
  return (await watching(engine)).attestor;
}

const cases = attestorContract({
  make,
  applies: () => processIn(`/docker/${ID}`),
  another: () => processIn(`/docker/${OTHER}`, { 9: `/docker/${OTHER}` }),
  doesNotApply: () => processIn('/user.slice/user-1000.slice/session-1.scope'),
  down: async () => {
    const down = await FakeEngine.start();
    await down.stop();
    return attestorOf(down).attestor;
  },
  stuck: async () => {
    const stuck = await FakeEngine.start({ [ID]: web });
    stuck.hold = new Promise(() => undefined);
    return attestorOf(stuck).attestor;
  },
  change: () => {
    engine.containers.set(ID, { ...web, labels: { app: 'changed' } });
    engine.tell('update', ID);
  },
});

describe('the docker attestor', () => {
  it.each(cases)('$title', ({ run }) => run());
});
