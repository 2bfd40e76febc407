// SPDX-License-Identifier: Apache-2.0
/** Digests are costly: they are asked for only while an entry names one, and an entry that comes later asks again. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attested } from '../../src/attestation/attested.ts';
import { Standings } from '../../src/issuance/standings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { seen, unchanging } from '../support/seen.ts';
import { tempDir } from '../support/temp-dir.ts';

const DIGEST = `unix:sha256:${'ab'.repeat(32)}`;
const SCRIPT = 'script:path:/srv/job.py';
const dataDir = tempDir('on-demand');

let rooms: Awaited<ReturnType<typeof lone>>;
let standings: Standings;
/** Looks so far, and what the next one waits for. */
let looks: boolean[];
let held: Promise<void> | undefined;

/** Every process runs the file of `DIGEST`. */
async function attest(process: { readonly uid: number }): Promise<Attested> {
  const asked = rooms.registry.names('unix:sha256');
  looks.push(asked);
  await held;
  return seen([[`unix:uid:${process.uid}`, 'kernel'], ...(asked ? [[DIGEST, 'claimed'] as const] : [])], {
    notes: asked ? [] : [{ attestor: 'unix', kind: 'sha256', reason: 'no entry names it', onDemand: true }],
  });
}

beforeAll(async () => {
  rooms = await lone({ dataDir, clock: systemClock });
  standings = new Standings({ ...rooms.rooms, attestation: { attest, ...unchanging } });
});

afterAll(async () => {
  standings.close();
  await rooms.close();
});

beforeEach(async () => {
  looks = [];
  held = undefined;
  for (const id of ['plain', 'digest']) if (rooms.registry.entry(id)) await rooms.registry.deleteEntry(id, OPERATOR);
});

const create = (entryId: string, ...selectors: readonly string[]): Promise<unknown> =>
  rooms.registry.createEntry({ entryId, spiffeId: `spiffe://example.org/${entryId}`, selectors }, OPERATOR);
const namesOf = (follower: TestFollower, at: number): string[] | undefined =>
  follower.states[at]?.svids.map((svid) => svid.spiffeId.slice('spiffe://example.org/'.length));

describe('a digest', () => {
  it('is not asked for while no entry names one', async () => {
    await create('plain', 'unix:uid:1000');
    const follower = new TestFollower();
    const following = standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    expect(looks).toEqual([false]);
    following.stop();
  });

  it('I1: is asked for when an entry comes that names one, for an open stream too', async () => {
    await create('plain', 'unix:uid:1000');
    const follower = new TestFollower();
    const following = standings.followX509(new TestProcess(), follower);
    await follower.until(1);
    await create('digest', 'unix:uid:1000', DIGEST);
    await follower.until(2);
    expect(looks).toEqual([false, true]);
    expect([namesOf(follower, 0), namesOf(follower, 1)]).toEqual([['plain'], ['plain', 'digest']]);
    // What is known now is found without another look.
    await rooms.registry.deleteEntry('digest', OPERATOR);
    await follower.until(3);
    await create('digest', 'unix:uid:1000', DIGEST);
    await follower.until(4);
    expect([looks.length, namesOf(follower, 2), namesOf(follower, 3)]).toEqual([2, ['plain'], ['plain', 'digest']]);
    following.stop();
  });

  it('I1: is asked for with whatever else the entry that comes is the first to name', async () => {
    const asked = (): string[] => ['unix:sha256', 'script:path'].filter((kind) => rooms.registry.names(kind));
    const seenKinds: string[][] = [];
    const both = new Standings({
      ...rooms.rooms,
      attestation: {
        ...unchanging,
        attest: async (process) => {
          const kinds = asked();
          seenKinds.push(kinds);
          const found = kinds.map((kind) => [kind === 'unix:sha256' ? DIGEST : SCRIPT, 'claimed'] as const);
          const notes = ['unix:sha256', 'script:path']
            .filter((kind) => !kinds.includes(kind))
            .map((kind) => ({
              attestor: kind.split(':')[0] as string,
              kind: kind.split(':')[1] as string,
              reason: 'none',
              onDemand: true,
            }));
          return seen([[`unix:uid:${process.uid}`, 'kernel'], ...found], { notes });
        },
      },
    });
    await create('plain', 'unix:uid:1000');
    const follower = new TestFollower();
    const following = both.followX509(new TestProcess(), follower);
    await follower.until(1);
    await create('digest', 'unix:uid:1000', DIGEST, SCRIPT);
    await follower.until(2);
    expect([seenKinds, namesOf(follower, 1)]).toEqual([
      [[], ['unix:sha256', 'script:path']],
      ['plain', 'digest'],
    ]);
    following.stop();
    both.close();
  });

  it('I1: is asked for when the entry comes while the caller is looked at', async () => {
    await create('plain', 'unix:uid:1000');
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const follower = new TestFollower();
    const following = standings.followX509(new TestProcess(), follower);
    await create('digest', 'unix:uid:1000', DIGEST);
    gate.resolve();
    await follower.until(1);
    expect(looks).toEqual([false, true]);
    expect(namesOf(follower, 0)).toEqual(['plain', 'digest']);
    following.stop();
  });

  it('is not asked of callers that the rest of the entry does not describe', async () => {
    await create('plain', 'unix:uid:1000');
    const [mine, other] = [new TestFollower(), new TestFollower()];
    const followings = [
      standings.followX509(new TestProcess(100, 1000), mine),
      standings.followX509Bundles(new TestProcess(101, 1000), new TestFollower()),
    ];
    await mine.until(1);
    await create('digest', 'unix:uid:2000', DIGEST);
    const late = standings.followX509(new TestProcess(102, 2000), other);
    await other.until(1);
    expect(looks).toEqual([false, false, true]);
    for (const following of [...followings, late]) following.stop();
  });
});

describe('the registry', () => {
  it('knows whether an entry names a digest, over changes and a restart', async () => {
    const names = (): boolean => rooms.registry.names('unix:sha256');
    expect(names()).toBe(false);
    await create('digest', 'unix:uid:1000', DIGEST);
    await create('plain', 'unix:uid:1000', DIGEST, `unix:sha256:${'cd'.repeat(32)}`);
    expect([names(), rooms.registry.names('unix:path'), rooms.registry.names('unix:sha')]).toEqual([
      true,
      false,
      false,
    ]);
    await rooms.registry.deleteEntry('plain', OPERATOR);
    expect(names()).toBe(true);
    await rooms.close();
    rooms = await lone({ dataDir, clock: systemClock });
    expect(names()).toBe(true);
    await rooms.registry.updateEntry('digest', { selectors: ['unix:uid:1000'] }, OPERATOR);
    expect(names()).toBe(false);
  });
});
