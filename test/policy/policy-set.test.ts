// SPDX-License-Identifier: Apache-2.0
/** A set in an instance of its own: replaced, broken, repaired; and what it costs. */
import { describe, expect, it } from '@jest/globals';
import { type Cedar, newCedar } from '../../src/policy/cedar.ts';
import { decide } from '../../src/policy/decide.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { ask, crm, SITE } from './support.ts';

/** An instance whose next question ends as one does that has run out of stack. */
function fragile() {
  const made: Cedar[] = [];
  let now = 0;
  let broken = false;
  const load = () => {
    const cedar = newCedar();
    made.push(cedar);
    return {
      ...cedar,
      statefulIsAuthorized: (call: Parameters<Cedar['statefulIsAuthorized']>[0]) => {
        if (broken) throw new Error('memory access out of bounds');
        return cedar.statefulIsAuthorized(call);
      },
    };
  };
  return {
    made,
    seams: { load, monotonic: () => now },
    break: (is: boolean) => {
      broken = is;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('a set of policies', () => {
  const request = ask(crm, 'crm:read');

  it('I8: denies when Cedar breaks, is loaded afresh, and decides again', () => {
    const place = fragile();
    const set = PolicySet.load(SITE, place.seams);
    expect(decide(set, request).outcome).toBe('allow');
    place.break(true);
    expect(decide(set, request)).toMatchObject({ outcome: 'deny', reasons: [{ policyId: 'error' }] });
    place.break(false);
    expect(decide(set, request).outcome).toBe('allow');
    expect(place.made).toHaveLength(2);
  });

  it('I9: is loaded afresh at most once a second', () => {
    const place = fragile();
    const set = PolicySet.load(SITE, place.seams);
    place.break(true);
    for (let i = 0; i < 20; i++) decide(set, request);
    expect(place.made).toHaveLength(2);
    place.break(false);
    expect(decide(set, request).outcome).toBe('deny');
    place.pass(1_000);
    expect(decide(set, request).outcome).toBe('allow');
    expect(place.made).toHaveLength(3);
  });

  it('does not lose its instance to a request that is not as the schema has it', () => {
    const place = fragile();
    const set = PolicySet.load(SITE, place.seams);
    expect(decide(set, ask(crm, 'crm:read', { depth: 0.5 })).outcome).toBe('deny');
    expect(decide(set, request).outcome).toBe('allow');
    expect(place.made).toHaveLength(1);
  });

  it('leaves nothing behind when it is replaced: 80 sets of 50 policies', () => {
    const text = (round: number) =>
      Array.from(
        { length: 50 },
        (_, at) =>
          `@id("p${round}-${at}") @reason("r") permit (principal is Identity, action == Action::"use", resource) when { context.depth == ${round} };`,
      ).join('\n');
    const load = (round: number) => PolicySet.load([{ name: 'a.cedar', text: text(round) }]);
    for (let i = 0; i < 20; i++) load(i);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 60; i++) load(i + 100);
    // One instance holds 15 MB; 60 that stayed would be 900.
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(400);
  }, 120_000);
});
