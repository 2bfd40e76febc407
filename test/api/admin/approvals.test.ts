// SPDX-License-Identifier: Apache-2.0
/** What people are asked and what they sign, over the wire, on a real store. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { armor } from '../../../src/approvals/armor.ts';
import type { ApprovalRequest } from '../../../src/approvals/request.ts';
import { requestText, statementText } from '../../../src/approvals/statement.ts';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { grantRequest } from '../../support/approval.ts';
import { newSshKey, rawSshsig } from '../../support/sshsig.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin-approvals');
const STRANGER = { uid: 4_711, pid: 8, sameNamespaces: true };
const MINE = 'spiffe://example.org/agent/support-bot';
const key = newSshKey('ssh-ed25519');
let bench: AdminBench;
let request: ApprovalRequest;

beforeAll(async () => {
  bench = await adminBench(dir);
  bench.caller = ROOT;
  await bench.call('CreateIdentity', { spiffe_id: MINE, owner: 'uid:0' });
  await bench.call('AddHuman', { name: 'alice', uids: [1_000] });
  await bench.call('AddHumanKey', { name: 'alice', key: `ssh-ed25519 ${key.blob}` });
  const now = Date.now();
  const times = { from: now, deadline: now + 3_600_000, notAfter: now + 900_000 };
  request = grantRequest({ id: 'grant-1', requestedBy: null, needStrength: 1, ...times });
  await bench.ballots.open(request, { uids: [2_000], gids: [2_000] }, 'uid:0');
});
beforeEach(() => {
  bench.caller = ROOT;
});
afterAll(() => bench.close());

const vote = (change: object = {}) => {
  const statement = statementText({ decision: 'approve', human: 'alice', reason: null, request });
  return { id: request.id, statement, signature: armor(rawSshsig(key, statement)), ...change };
};

it('is listed and shown with all that would be signed', async () => {
  const { approval } = await bench.call('GetApproval', { id: 'grant-1' });
  expect(approval).toMatchObject({ id: 'grant-1', kind: 'grant', state: 'pending', missing: 1, votes: [] });
  expect(approval.request).toBe(requestText(request));
  const { approvals } = await bench.call('ListApprovals', { state: 'pending' });
  expect(approvals).toEqual([approval]);
  expect((await bench.call('ListApprovals', { state: 'approved' })).approvals).toEqual([]);
  expect((await bench.refused('ListApprovals', { state: 'open' })).reason).toBe('WORD_INVALID');
  expect((await bench.refused('GetApproval', { id: 'none' })).reason).toBe('APPROVAL_NOT_FOUND');
});

it('C1: is read by whoever may read, and voted on by whoever has a signature', async () => {
  bench.caller = STRANGER;
  expect((await bench.refused('GetApproval', { id: 'grant-1' })).reason).toBe('READ_NOT_ALLOWED');
  expect((await bench.refused('ListApprovals')).reason).toBe('READ_NOT_ALLOWED');
  expect((await bench.refused('SubmitVote', vote({ signature: 'x' }))).reason).toBe('SSHSIG_INVALID');
  bench.caller = { ...STRANGER, sameNamespaces: false };
  expect((await bench.refused('SubmitVote', vote())).reason).toBe('CALLER_OUTSIDE');
});

it('I9: is looked at only while it is of a size that could be', async () => {
  bench.caller = STRANGER;
  for (const field of ['id', 'statement', 'signature']) {
    const refused = await bench.refused('SubmitVote', vote({ [field]: 'x'.repeat(40_000) }));
    expect([refused.reason, refused.field]).toEqual(['TEXT_TOO_LONG', field]);
  }
});

it('C2: says by whose key it was decided, whoever handed it in', async () => {
  bench.caller = STRANGER;
  const { approval } = await bench.call('SubmitVote', vote());
  expect(approval).toMatchObject({ state: 'approved', state_reason: 'approved by alice', missing: 0 });
  expect(approval.votes).toMatchObject([{ human: 'alice', decision: 'approve', strength: 1, proof: 'none', void: '' }]);
  expect(approval.votes[0].statement).toBe(vote().statement);
  bench.caller = ROOT;
  await bench.call('DeactivateHuman', { name: 'alice', reason: 'left' });
  const after = (await bench.call('GetApproval', { id: 'grant-1' })).approval;
  expect([after.state, after.votes[0].void]).toEqual(['approved', 'they have left']);
});
