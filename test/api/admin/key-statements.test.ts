// SPDX-License-Identifier: Apache-2.0
/** What is said of security keys, over the wire: after it a touch counts. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { armor } from '../../../src/approvals/armor.ts';
import { statementText } from '../../../src/approvals/statement.ts';
import { sshFingerprint } from '../../../src/lib/ssh-key.ts';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { grantRequest } from '../../support/approval.ts';
import { newSshKey, rawSshsig, type TestSshKey } from '../../support/sshsig.ts';
import { tempDir } from '../../support/temp-dir.ts';

const MINE = 'spiffe://example.org/agent/support-bot';
const SK = 'sk-ecdsa-sha2-nistp256@openssh.com';
const alice = newSshKey(SK);
const bob = newSshKey(SK);
const printOf = (key: TestSshKey): string => sshFingerprint(key.bytes);
const dir = tempDir('admin-key-statements');
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir);
  bench.caller = ROOT;
  await bench.call('CreateIdentity', { spiffe_id: MINE, owner: 'uid:0' });
  for (const [name, key] of [['alice', alice] as const, ['bob', bob] as const]) {
    await bench.call('AddHuman', { name, uids: [] });
    await bench.call('AddHumanKey', { name, key: `${key.type} ${key.blob}` });
  }
});
beforeEach(() => {
  bench.caller = ROOT;
});
afterAll(() => bench.close());

const sign = (key: TestSshKey, statement: string, namespace: string, flags: number) => ({
  statement,
  signature: armor(rawSshsig(key, statement, { namespace, flags })),
});

/** Nobody knows which uids reach bob's keys, so that a strength of 2 is asked for. */
async function voted(id: string, key: TestSshKey, flags: number) {
  const now = Date.now();
  const times = { from: now, deadline: now + 3_600_000, notAfter: now + 900_000 };
  const request = grantRequest({ id, identity: MINE, requestedBy: null, needStrength: 1, needCount: 2, ...times });
  await bench.ballots.open(request, { uids: [2_000], gids: [2_000] }, 'uid:0');
  const statement = statementText({ decision: 'approve', human: 'bob', reason: null, request });
  const vote = { id, ...sign(key, statement, 'approval@example.org', flags) };
  return {
    counts: async () => (await bench.call('SubmitVote', vote)).approval.votes,
    refused: async () => (await bench.refused('SubmitVote', vote)).message,
  };
}

it('C3: root vouches for the first, its holder for the next, and only then a touch counts', async () => {
  expect(await (await voted('grant-1', bob, 5)).refused()).toContain('a strength of 2 is needed');
  const first = { name: 'alice', fingerprint: printOf(alice), highest: 3 };
  const { human } = await bench.call('VouchHumanKey', first);
  expect(human.keys).toMatchObject([{ highest: 3, vouch_statement: '' }]);
  const next = { name: 'bob', fingerprint: printOf(bob), highest: 2 };
  expect((await bench.refused('VouchHumanKey', next)).reason).toBe('ENROLMENT_TOO_WEAK');
  const { statement } = await bench.call('AskKeyStatement', { ...next, because: 'I saw it', by: 'alice' });
  await bench.call('VouchHumanKey', { ...next, ...sign(alice, statement, 'enrolment@example.org', 5) });
  expect(await (await voted('grant-2', bob, 5)).counts()).toMatchObject([{ strength: 2, proof: 'stated', void: '' }]);
  expect(await (await voted('grant-3', bob, 0)).refused()).toContain('a strength of 2 is needed');
});

it('I9: what is too long is not read', async () => {
  const long = { name: 'bob', fingerprint: printOf(bob), highest: 2, statement: 'x'.repeat(4_097), signature: 'y' };
  expect((await bench.refused('VouchHumanKey', long)).reason).toBe('TEXT_TOO_LONG');
});

it('what it counts for is a touch or a verified user', async () => {
  const odd = { name: 'bob', fingerprint: printOf(bob), highest: 1, because: 'x', by: 'alice' };
  expect((await bench.refused('AskKeyStatement', odd)).reason).toBe('HIGHEST_INVALID');
});
