// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { uidRelation } from '../../src/approvals/uid-relation.ts';
import { keyReach } from '../../src/ballots/key-reach.ts';

const texts = {
  passwd: 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nbroken\n',
  group: 'root:x:0:\ndocker:x:999:alice\nusers:x:100:alice,bob\nsudo:x:27:\n',
  subuid: 'alice:100000:65536\nbob:165536:65536\n1002:300000:10\nsomebody:400000:10\nbroken:x\n',
};
const relation = (agentUid: number, humanUids: readonly number[], gid = 5_000) =>
  uidRelation({ uids: [agentUid], gids: [gid] }, keyReach(humanUids, texts));

describe('who reaches a human’s keys on this machine', () => {
  it.each<[string, number, readonly number[], number, string]>([
    ['their own uid', 1_000, [1_000], 5_000, 'same'],
    ['one of their subordinate uids', 100_000, [1_000], 5_000, 'same'],
    ['the last of those', 165_535, [1_000], 5_000, 'same'],
    ['one of another’s', 165_536, [1_000], 5_000, 'other'],
    ['one by number', 300_005, [1_002], 5_000, 'same'],
    ['one of which nobody knows whose it is', 400_005, [1_000], 5_000, 'same'],
    ['whoever can become them', 1_000, [100_007], 5_000, 'same'],
    ['another uid', 1_001, [1_000], 5_000, 'other'],
    ['another uid in a group as good as root', 1_001, [1_000], 999, 'same'],
    ['another uid in an ordinary group', 1_001, [1_000], 100, 'other'],
    ['anybody, where nobody wrote down their uids', 1_001, [], 5_000, 'unknown'],
    ['root', 0, [1_000], 5_000, 'same'],
  ])('C2: %s', (_, agent, human, gid, is) => {
    expect(relation(agent, human, gid)).toBe(is);
  });
});
