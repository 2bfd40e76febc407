// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeyStrength } from '../../src/approvals/key-strength.ts';
import { type Ballot, tally, type Vote, type Voter } from '../../src/approvals/votes.ts';
import { NOW } from '../support/approval.ts';

const key = (human: string) => ({ fingerprint: `SHA256:${human}`, notAfter: null, revoked: false });
const voter = (human: string, change: Partial<Voter> = {}): [string, Voter] => [
  human,
  { active: true, entitled: true, uid: 'other', keys: [key(human)], ...change },
];
const vote = (human: string, change: Partial<Vote> = {}): Vote => ({
  human,
  decision: 'approve',
  strength: 1,
  fingerprint: `SHA256:${human}`,
  withdrawn: false,
  ...change,
});
const ballot = (votes: readonly Vote[], change: Partial<Ballot> = {}): Ballot => ({
  need: { count: 1, strength: 1, otherUid: false },
  requestedBy: null,
  irrevocable: false,
  notAfter: NOW + 1,
  votes,
  voters: new Map([voter('alice'), voter('bob'), voter('carol')]),
  ...change,
});
const withVoter = (change: Partial<Voter>): Partial<Ballot> => ({
  voters: new Map([voter('alice', change), voter('bob')]),
});
const stateOf = (votes: readonly Vote[], change: Partial<Ballot> = {}, now = NOW): string =>
  tally(ballot(votes, change), now).state;

describe('votes', () => {
  it('of nobody leave it open, of enough people approve', () => {
    const need = { count: 2, strength: 1, otherUid: false } as const;
    expect(tally(ballot([], { need }), NOW)).toMatchObject({ state: 'open', missing: 2, approvals: [] });
    expect(tally(ballot([vote('bob')], { need }), NOW)).toMatchObject({ state: 'open', missing: 1 });
    expect(tally(ballot([vote('bob'), vote('alice', { strength: 3 })], { need }), NOW)).toEqual({
      state: 'approved',
      approvals: [
        { human: 'alice', strength: 3, uid: 'other' },
        { human: 'bob', strength: 1, uid: 'other' },
      ],
      rejectedBy: [],
      void: [],
      missing: 0,
    });
  });

  it('C1: of one human are one, however often and with however many keys, at their strongest', () => {
    const keys = [key('alice'), key('second')];
    const votes = [vote('alice'), vote('alice', { strength: 2, fingerprint: 'SHA256:second' }), vote('alice')];
    const twice = tally(
      ballot(votes, { need: { count: 2, strength: 1, otherUid: false }, ...withVoter({ keys }) }),
      NOW,
    );
    expect(twice).toMatchObject({ state: 'open', missing: 1, approvals: [{ human: 'alice', strength: 2 }] });
  });

  it('C3: a rejection by whoever may decide wins, before and after any number of approvals, also of theirs', () => {
    for (const reject of [vote('carol', { decision: 'reject' }), vote('alice', { decision: 'reject' })])
      for (const votes of [
        [reject, vote('alice'), vote('bob')],
        [vote('alice'), vote('bob'), reject],
      ])
        expect(tally(ballot(votes), NOW)).toMatchObject({ state: 'rejected', rejectedBy: [reject.human] });
    expect(stateOf([vote('carol', { decision: 'reject' })], {}, NOW + 5)).toBe('rejected');
  });

  it('a rejection needs no strength, is theirs who asked as well, and is not withdrawn', () => {
    const change = {
      need: { count: 1, strength: 3, otherUid: true },
      requestedBy: 'alice',
      irrevocable: true,
    } as const;
    const reject = vote('alice', { decision: 'reject', withdrawn: true });
    expect(stateOf([reject], { ...change, ...withVoter({ uid: 'same' }) })).toBe('rejected');
  });

  it('C1: a rejection by whoever may not decide is nothing', () => {
    const reject = vote('alice', { decision: 'reject' });
    for (const change of [{ entitled: false }, { active: false }, { keys: [] }])
      expect(stateOf([reject, vote('bob')], withVoter(change))).toBe('approved');
    expect(stateOf([vote('mallory', { decision: 'reject' }), vote('bob')])).toBe('approved');
  });

  it('C4: after its end it is over, whoever approved', () => {
    expect(stateOf([vote('alice')], {}, NOW)).toBe('approved');
    expect(stateOf([vote('alice')], {}, NOW + 1)).toBe('expired');
    expect(stateOf([], {}, NOW + 1)).toBe('expired');
  });

  it.each<[string, string, Partial<Vote>, Partial<Ballot>]>([
    ['C2', 'they have left', {}, withVoter({ active: false })],
    ['C1', 'policy does not let them decide on this', {}, withVoter({ entitled: false })],
    ['C3', 'the key is not theirs', { fingerprint: 'SHA256:bob' }, {}],
    ['C3', 'the key was taken back', {}, withVoter({ keys: [{ ...key('alice'), revoked: true }] })],
    ['C3', 'the key is past its end', {}, withVoter({ keys: [{ ...key('alice'), notAfter: NOW }] })],
    [
      'C3',
      'the key is more than one human’s',
      {},
      { voters: new Map([voter('alice'), voter('bob', { keys: [key('alice')] })]) },
    ],
    ['C4', 'they withdrew their approval', { withdrawn: true }, {}],
    ['C1', 'they asked for it themselves', {}, { requestedBy: 'alice' }],
    ['C3', 'its strength is 1, not 2', {}, { need: { count: 1, strength: 2, otherUid: false } }],
    ['C3', 'its strength is 2, not 3', { strength: 2 }, { need: { count: 1, strength: 3, otherUid: false } }],
    ['C2', 'the agent may reach their keys: a strength of 2 is needed', {}, withVoter({ uid: 'same' })],
    ['C2', 'the agent may reach their keys: a strength of 2 is needed', {}, withVoter({ uid: 'unknown' })],
    [
      'C3',
      'the agent may reach their keys: a strength of 3 is needed',
      { strength: 2 },
      { irrevocable: true, ...withVoter({ uid: 'same' }) },
    ],
    [
      'C2',
      'the agent may reach their keys, and another’s approval is asked for',
      { strength: 3 },
      { need: { count: 1, strength: 1, otherUid: true }, ...withVoter({ uid: 'unknown' }) },
    ],
  ])('%s: an approval is nothing where %s', (_id, why, change, more) => {
    expect(tally(ballot([vote('alice', change)], more), NOW)).toMatchObject({
      state: 'open',
      approvals: [],
      void: [{ human: 'alice', why }],
    });
  });

  it('C4: an approval that was withdrawn does not come back by being submitted again, by whichever key', () => {
    const keys = [key('alice'), key('second')];
    const again = [
      vote('alice', { withdrawn: true }),
      vote('alice'),
      vote('alice', { fingerprint: 'SHA256:second', strength: 3 }),
    ];
    for (const votes of [again, [...again].reverse()]) expect(stateOf(votes, withVoter({ keys }))).toBe('open');
    expect(stateOf([...again, vote('bob')])).toBe('approved');
  });

  it('C1: of who is not known is nothing, also under names that objects have', () => {
    for (const name of ['mallory', '__proto__', 'constructor'])
      expect(tally(ballot([vote(name)]), NOW)).toMatchObject({
        state: 'open',
        void: [{ why: 'nobody of this name may vote' }],
      });
  });

  it('C2: of an agent’s own human count where they touched a key, and for what is irrevocable where it knew them', () => {
    for (const uid of ['same', 'unknown'] as const) {
      expect(stateOf([vote('alice', { strength: 2 })], withVoter({ uid }))).toBe('approved');
      expect(stateOf([vote('alice', { strength: 3 })], { irrevocable: true, ...withVoter({ uid }) })).toBe('approved');
    }
    expect(stateOf([vote('alice', { strength: 1 })], { irrevocable: true })).toBe('approved');
  });

  it.each([0, -1, 0.5, Number.NaN])('C3: a need of %d people is refused', (count) => {
    expect(() => tally(ballot([], { need: { count, strength: 1, otherUid: false } }), NOW)).toThrow(RangeError);
  });
});

describe('whatever votes there are', () => {
  const STRENGTH = fc.constantFrom<KeyStrength>(1, 2, 3);
  const NAME = fc.constantFrom('alice', 'bob', 'carol', 'mallory');
  const VOTE: fc.Arbitrary<Vote> = fc
    .record({
      human: NAME,
      decision: fc.constantFrom('approve', 'approve', 'approve', 'reject'),
      strength: STRENGTH,
      withdrawn: fc.constantFrom(false, false, true),
    })
    .map((one) => vote(one.human, one as Partial<Vote>));
  const VOTER = (human: string): fc.Arbitrary<[string, Voter]> =>
    fc
      .record({
        active: fc.constantFrom(true, true, false),
        entitled: fc.constantFrom(true, true, false),
        uid: fc.constantFrom('other', 'same', 'unknown'),
        keys: fc.constantFrom([], [key(human)], [{ ...key(human), revoked: true }]),
      })
      .map((one) => voter(human, one as Partial<Voter>));
  const BALLOT: fc.Arbitrary<Ballot> = fc
    .record({
      need: fc.record({ count: fc.integer({ min: 1, max: 3 }), strength: STRENGTH, otherUid: fc.boolean() }),
      requestedBy: fc.option(NAME),
      irrevocable: fc.boolean(),
      votes: fc.array(VOTE, { maxLength: 6 }),
      voters: fc.tuple(VOTER('alice'), VOTER('bob'), VOTER('carol')).map((all) => new Map(all)),
    })
    .map((one) => ballot(one.votes, one as Partial<Ballot>));
  const all = (property: (one: Ballot) => void): void => fc.assert(fc.property(BALLOT, property), { numRuns: 1_000 });

  it('C1: approved means so many different people, entitled, at that strength, and none who asked', () => {
    all((one) => {
      const { state, approvals } = tally(one, NOW);
      const names = approvals.map(({ human }) => human);
      expect(new Set(names).size).toBe(names.length);
      for (const { human, strength, uid } of approvals) {
        expect(one.voters.get(human)).toMatchObject({ active: true, entitled: true, uid, keys: [{ revoked: false }] });
        expect(strength).toBeGreaterThanOrEqual(one.need.strength);
        expect(human).not.toBe(one.requestedBy);
        if (uid !== 'other') expect([one.need.otherUid, strength >= (one.irrevocable ? 3 : 2)]).toEqual([false, true]);
      }
      expect(state === 'approved' && approvals.length < one.need.count).toBe(false);
    });
  });

  it('C3: one more rejection never approves, and one more approval never takes one away', () => {
    all((one) => {
      const { state, rejectedBy } = tally(one, NOW);
      const more = (extra: Vote): string => tally({ ...one, votes: [...one.votes, extra] }, NOW).state;
      for (const human of one.voters.keys()) {
        const rejected = more(vote(human, { decision: 'reject' }));
        expect(rejected === 'approved' && state !== 'approved').toBe(false);
        const approved = more(vote(human, { strength: 3 }));
        expect(rejectedBy.length > 0 ? approved : 'rejected').toBe('rejected');
        if (state === 'approved') expect(approved).toBe('approved');
      }
    });
  });

  it('C1: neither their order nor one that is there twice makes a difference', () => {
    all((one) => {
      const { state, approvals } = tally(one, NOW);
      for (const votes of [[...one.votes].reverse(), [...one.votes, ...one.votes]]) {
        const again = tally({ ...one, votes }, NOW);
        expect([again.state, again.approvals]).toEqual([state, approvals]);
      }
    });
  });

  it('C3: a weaker signature, a key taken back or a uid that may be the agent’s never approve what was not', () => {
    all((one) => {
      const before = tally(one, NOW);
      const weaker = one.votes.map((each) => ({ ...each, strength: 1 as const }));
      const closer = new Map([...one.voters].map(([name, each]) => [name, { ...each, uid: 'same' as const }]));
      const without = new Map([...one.voters].map(([name, each]) => [name, { ...each, keys: [] }]));
      const others = [
        { ...one, votes: weaker },
        { ...one, voters: closer },
        { ...one, voters: without },
      ];
      for (const other of others)
        expect(tally(other, NOW).approvals.length).toBeLessThanOrEqual(before.approvals.length);
    });
  });
});
