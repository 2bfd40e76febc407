// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { type Launches, launcherAttestor } from '../../../attestors/launcher/launcher-attestor.ts';
import type { ProcessHandle } from '../../../src/attestation/plugin.ts';

const never = new AbortController().signal;
const caller = {} as ProcessHandle;
const ID = 'spiffe://example.org/web';
const launched = { id: 'l1', spiffeId: ID, program: '/usr/bin/web', child: false };

function attestor(answer: Awaited<ReturnType<Launches['launchOf']>>) {
  const listeners = new Set<(id: string) => void>();
  const launches: Launches = {
    launchOf: async () => answer,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { attestor: launcherAttestor(launches), listeners };
}

describe('the launcher attestor', () => {
  it('A1: gives the ID that the program was launched under as bound, and where it lies as claimed', async () => {
    expect(await attestor(launched).attestor.attest(caller, never)).toEqual({
      applies: true,
      selectors: [
        { value: `spiffe_id:${ID}`, strength: 'bound' },
        { value: 'program:/usr/bin/web', strength: 'claimed' },
      ],
      facts: { launch: 'l1', spiffe_id: ID, child: false, program: '/usr/bin/web' },
      leftOut: [],
      restsOn: ['l1'],
    });
    expect(attestor(launched).attestor.kinds).toEqual(
      new Map([
        ['spiffe_id', 'bound'],
        ['program', 'claimed'],
      ]),
    );
  });

  it('I1: rests on the launch, whose change it tells of', async () => {
    const { attestor: it, listeners } = attestor({ ...launched, child: true });
    expect(await it.attest(caller, never)).toMatchObject({ restsOn: ['l1'], facts: { child: true } });
    const heard: (string | undefined)[] = [];
    const undo = it.onChange?.((ground) => heard.push(ground));
    for (const listener of listeners) listener('l1');
    undo?.();
    expect([heard, listeners.size]).toEqual([['l1'], 0]);
  });

  it('does not apply to what was not launched, with the reason', async () => {
    expect(await attestor({ reason: 'not so' }).attestor.attest(caller, never)).toEqual({
      applies: false,
      reason: 'not so',
    });
    expect(await attestor({ reason: 'not yet', id: 'l1' }).attestor.attest(caller, never)).toEqual({
      applies: false,
      reason: 'not yet',
      restsOn: ['l1'],
    });
  });

  it('leaves the path out where there is none', async () => {
    const answer = await attestor({ ...launched, program: undefined }).attestor.attest(caller, never);
    expect(answer).toMatchObject({ selectors: [{ value: `spiffe_id:${ID}` }], leftOut: [{ kind: 'program' }] });
  });
});
