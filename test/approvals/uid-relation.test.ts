// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AgentOwners, type KeyReach, uidRelation } from '../../src/approvals/uid-relation.ts';

const alice: KeyReach = { uids: [1_000, 1_001], ranges: [{ first: 100_000, count: 65_536 }], gids: [998] };

describe('the agent’s uid and a human’s', () => {
  it.each<[string, AgentOwners, KeyReach, string]>([
    ['another uid', { uids: [2_000], gids: [2_000] }, alice, 'other'],
    ['their uid', { uids: [1_001], gids: [2_000] }, alice, 'same'],
    ['their uid further up', { uids: [2_000, 1_000], gids: [2_000] }, alice, 'same'],
    ['the first of their subordinate uids', { uids: [100_000], gids: [2_000] }, alice, 'same'],
    ['the last of their subordinate uids', { uids: [165_535], gids: [2_000] }, alice, 'same'],
    ['one past their subordinate uids', { uids: [165_536], gids: [2_000] }, alice, 'other'],
    ['root', { uids: [0], gids: [0] }, alice, 'same'],
    ['root further up', { uids: [2_000, 0], gids: [2_000] }, alice, 'same'],
    ['a group as good as root', { uids: [2_000], gids: [2_000, 998] }, alice, 'same'],
    ['uids that are not known', { uids: undefined, gids: [2_000] }, alice, 'unknown'],
    ['no uid', { uids: [], gids: [2_000] }, alice, 'unknown'],
    ['groups that are not known', { uids: [2_000], gids: undefined }, alice, 'unknown'],
    ['their uid, and groups that are not known', { uids: [1_000], gids: undefined }, alice, 'same'],
    ['a human of whom no uid is known', { uids: [2_000], gids: [2_000] }, { ...alice, uids: [] }, 'unknown'],
  ])('C2: %s', (_, agent, human, relation) => {
    expect(uidRelation(agent, human)).toBe(relation);
  });

  it('C2: are other only where everything is known, and nothing in common', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 });
    const agents = fc.record({ uids: fc.option(ids, { nil: undefined }), gids: fc.option(ids, { nil: undefined }) });
    const humans = fc.record({
      uids: ids,
      ranges: fc.array(fc.record({ first: fc.nat(12), count: fc.nat(3) }), { maxLength: 2 }),
      gids: ids,
    });
    fc.assert(
      fc.property(agents, humans, (agent, human) => {
        const reaching = new Set([0, ...human.uids]);
        for (const { first, count } of human.ranges) for (let at = 0; at < count; at += 1) reaching.add(first + at);
        const apart =
          (agent.uids ?? []).length > 0 &&
          agent.gids !== undefined &&
          human.uids.length > 0 &&
          !(agent.uids ?? []).some((uid) => reaching.has(uid)) &&
          !agent.gids.some((gid) => human.gids.includes(gid));
        expect(uidRelation(agent, human) === 'other').toBe(apart);
      }),
    );
  });
});
