// SPDX-License-Identifier: Apache-2.0
/** What an attestor said may change while the process lives: its container stops, its pod gets another label. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Attested } from '../../src/attestation/attested.ts';
import { Standings } from '../../src/issuance/standings.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { lone, OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { seen } from '../support/seen.ts';
import { tempDir } from '../support/temp-dir.ts';

const dataDir = tempDir('grounds');
const clock = new FakeClock(Date.now());
let rooms: Awaited<ReturnType<typeof lone>>;
let standings: Standings;
/** Of every caller, now. */
let label: string;
let goodForMs: number | undefined;
let looks: number;
/** Runs while a look is under way, after the facts were read. */
let during: (() => void) | undefined;
const listeners = new Set<(ground: string) => void>();
const tell = (ground: string): void => {
  for (const listener of [...listeners]) listener(ground);
};

async function attest(process: { readonly pid: number; readonly uid: number }): Promise<Attested> {
  looks += 1;
  const facts = [`docker:label:app:${label}`, 'authority'] as const;
  const goodUntil = goodForMs === undefined ? undefined : clock.monotonic() + goodForMs;
  await Promise.resolve();
  during?.();
  return seen([[`unix:uid:${process.uid}`, 'kernel'], facts], {
    restsOn: ['docker', `docker:c${process.pid}`],
    goodUntil,
  });
}

function onChange(listener: (ground: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What somebody rests on now. */
const rested = new Set<string>();
const restedOn = (ground: string, resting: boolean): void => {
  expect(rested.has(ground)).toBe(!resting);
  if (resting) rested.add(ground);
  else rested.delete(ground);
};

beforeAll(async () => {
  rooms = await lone({ dataDir, clock });
  standings = new Standings({ ...rooms.rooms, attestation: { attest, onChange, restedOn } });
  for (const app of ['a', 'b'])
    await rooms.registry.createEntry(
      { spiffeId: `spiffe://example.org/${app}`, selectors: [`docker:label:app:${app}`], acceptClaimedSelectors: true },
      OPERATOR,
    );
});

afterAll(async () => {
  standings.close();
  expect(listeners.size).toBe(0);
  await rooms.close();
});

beforeEach(() => {
  [label, goodForMs, looks, during] = ['a', undefined, 0, undefined];
});

const idsOf = (follower: TestFollower): string[] =>
  follower.states.map((state) => state.svids.map((svid) => svid.spiffeId.slice('spiffe://example.org/'.length)).join());

describe('a reported change', () => {
  it('I1: of the ground that a caller rests on looks at it again, and gives what holds now', async () => {
    const [mine, other] = [new TestFollower(), new TestFollower()];
    const followings = [
      standings.followX509(new TestProcess(1), mine),
      standings.followX509(new TestProcess(2), other),
    ];
    await Promise.all([mine.until(1), other.until(1)]);
    label = 'b';
    tell('docker:c1');
    await mine.until(2);
    expect([idsOf(mine), idsOf(other), looks]).toEqual([['a', 'b'], ['a'], 3]);
    for (const following of followings) following.stop();
  });

  it('I1, I7: that takes the last identity ends the stream with PERMISSION_DENIED', async () => {
    const mine = new TestFollower();
    standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    label = 'none';
    tell('docker');
    await mine.until(2);
    expect([mine.failure?.kind, mine.failure?.reason]).toEqual(['permission-denied', 'NO_ENTRY_MATCHES']);
  });

  it('I7: that changes nothing sends nothing', async () => {
    const mine = new TestFollower();
    const following = standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    tell('docker:c1');
    await clock.advance(100);
    expect([mine.states.length, looks, mine.failure]).toEqual([1, 2, undefined]);
    following.stop();
  });

  it('I1: that comes while the caller is looked at has it looked at again', async () => {
    during = () => {
      during = undefined;
      label = 'b';
      tell('docker:c1');
    };
    const mine = new TestFollower();
    const following = standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    expect([idsOf(mine), looks]).toEqual([['b'], 2]);
    following.stop();
  });

  it('I8: that never ends is UNAVAILABLE', async () => {
    during = () => tell('docker');
    const mine = new TestFollower();
    standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    expect([mine.failure?.kind, mine.failure?.reason, mine.states.length]).toEqual([
      'unavailable',
      'FACTS_CHANGING',
      0,
    ]);
  });
});

describe('the attestors', () => {
  it('are told what the first stream begins to rest on, and what the last one no longer does', async () => {
    const followings = [1, 1, 2].map((pid) => {
      const follower = new TestFollower();
      return { follower, following: standings.followX509(new TestProcess(pid), follower) };
    });
    await Promise.all(followings.map(({ follower }) => follower.until(1)));
    expect([...rested].sort()).toEqual(['docker', 'docker:c1', 'docker:c2']);
    tell('docker:c1');
    await clock.advance(100);
    expect(looks).toBe(5);
    followings[0]?.following.stop();
    followings[2]?.following.stop();
    expect([...rested].sort()).toEqual(['docker', 'docker:c1']);
    followings[1]?.following.stop();
    expect(rested.size).toBe(0);
  });
});

describe('facts whose source tells nothing', () => {
  it('I1: are looked at again when they are no longer good', async () => {
    goodForMs = 1_000;
    const mine = new TestFollower();
    const following = standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    await clock.advance(900);
    expect(looks).toBe(1);
    label = 'b';
    await clock.advance(200);
    await mine.until(2);
    expect(idsOf(mine)).toEqual(['a', 'b']);
    following.stop();
  });

  it('I1: are not sent when they are no longer good by the time the answer is made', async () => {
    goodForMs = 0;
    during = () => {
      goodForMs = undefined;
      label = 'b';
    };
    const mine = new TestFollower();
    const following = standings.followX509(new TestProcess(1), mine);
    await mine.until(1);
    expect(idsOf(mine)).toEqual(['b']);
    following.stop();
  });
});
