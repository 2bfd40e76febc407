// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openApproval } from '../../src/approvals/approval.ts';
import { armor } from '../../src/approvals/armor.ts';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { readScreen, renderScreen } from '../../src/approvals/screen.ts';
import type { ApproverKey, Submitted } from '../../src/approvals/signed.ts';
import { approvalNamespace, type Statement, statementText } from '../../src/approvals/statement.ts';
import { parseSshKey } from '../../src/lib/ssh-key.ts';
import { NOW, taskRequest } from '../support/approval.ts';
import { refusalOf } from '../support/refusal.ts';
import { KEY_TYPES, NAMESPACE, newSshKey, rawSshsig, type TestSshKey } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('approval');
const request = taskRequest();
const alice = newSshKey('ssh-ed25519');
const plain = (blob: string): ApproverKey => ({ blob, highest: 1, proof: 'none' });
const keys = (human: string): readonly ApproverKey[] => (human === 'alice' ? [plain(alice.blob)] : []);

function submitted(key: TestSshKey, change: Partial<Statement> = {}, signature: object = {}): Submitted {
  const statement = statementText({ decision: 'approve', human: 'alice', reason: null, request, ...change });
  return { statement, signature: armor(rawSshsig(key, statement, signature)) };
}
const opened = (one: Submitted, asked: ApprovalRequest = request, now = NOW) => openApproval(one, asked, keys, now);

describe('an approval that is submitted', () => {
  it('is a vote of the human whom the statement names, by the key that is theirs', () => {
    for (const decision of ['approve', 'reject', 'withdraw'] as const) {
      const { vote, statement, proof, counter } = opened(submitted(alice, { decision }));
      expect(vote).toMatchObject({ human: 'alice', strength: 1 });
      expect(statement.decision).toBe(decision);
      expect(vote.fingerprint).toBe(parseSshKey(`ssh-ed25519 ${alice.blob}`).fingerprint);
      expect([statement.request, proof, counter]).toEqual([request, 'none', undefined]);
    }
  });

  it('C3: of a security key counts for what it was enrolled as', () => {
    const key = newSshKey('sk-ssh-ed25519@openssh.com');
    const one = submitted(key, {}, { flags: 5, counter: 9 });
    const as = (enrolled: Omit<ApproverKey, 'blob'>) =>
      openApproval(one, request, () => [{ blob: key.blob, ...enrolled }], NOW);
    expect(as({ highest: 3, proof: 'attested' })).toMatchObject({
      vote: { strength: 3 },
      proof: 'attested',
      counter: 9,
    });
    expect(as({ highest: 2, proof: 'stated' })).toMatchObject({ vote: { strength: 2 }, proof: 'stated' });
    expect(as({ highest: 1, proof: 'none' })).toMatchObject({ vote: { strength: 1 }, proof: 'none' });
  });

  it.each<[string, Partial<ApprovalRequest>]>([
    ['another request', { id: '01JOTHER000000000000000000' }],
    ['the request under another nonce', { nonce: 'BBBBBBBBBBBBBBBBBBBBBB' }],
    ['another program in the same process', { sha256: 'ef'.repeat(32) }],
    ['another process', { started: 987_655 }],
    ['other policies', { policyHash: 'ef'.repeat(32) }],
    ['another daemon', { log: 'example.org/log/2' }],
    ['a later end', { deadline: request.deadline + 1 }],
    ['a need of fewer', { needCount: 2 }],
    ['other secrets', { secrets: 'found' }],
  ])('C4: is refused for %s, naming what is otherwise', (_, change) => {
    const refused = refusalOf(() => opened(submitted(alice, { request: taskRequest(change) })));
    expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'APPROVAL_OTHER_REQUEST']);
    expect(refused.message).toContain(
      Object.keys(change)[0]?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
  });

  it('C4: is refused after the end of its request', () => {
    expect(opened(submitted(alice), request, request.notAfter - 1).statement.decision).toBe('approve');
    for (const decision of ['approve', 'reject'] as const)
      expect(refusalOf(() => opened(submitted(alice, { decision }), request, request.notAfter)).reason).toBe(
        'APPROVAL_OVER',
      );
    const back = opened(submitted(alice, { decision: 'withdraw' }), request, request.notAfter);
    expect(back.statement.decision).toBe('withdraw');
  });

  it('C2: is refused by a key that is not theirs, whoever’s it is', () => {
    const bob = newSshKey('ssh-ed25519');
    expect(refusalOf(() => opened(submitted(bob))).reason).toBe('APPROVAL_KEY_UNKNOWN');
    expect(refusalOf(() => opened(submitted(alice, { human: 'bob' }))).reason).toBe('APPROVAL_KEY_UNKNOWN');
  });

  it('C4: is refused where another statement was signed, or the same for something else', () => {
    const { statement } = submitted(alice);
    const reject = submitted(alice, { decision: 'reject' });
    expect(refusalOf(() => opened({ ...reject, statement })).reason).toBe('SSHSIG_INVALID');
    expect(refusalOf(() => opened(submitted(alice, {}, { namespace: 'git' }))).reason).toBe('SSHSIG_INVALID');
    expect(refusalOf(() => opened({ ...submitted(alice), statement: `${statement}\n` })).reason).toBe(
      'STATEMENT_INVALID',
    );
  });
});

describe('the files of an approval', () => {
  const statement: Statement = { decision: 'approve', human: 'alice', reason: null, request };
  const verify = (line: string, signature: string, name: string): string => {
    const [allowed, sig] = [join(dir, `${name}.allowed`), join(dir, `${name}.sig`)];
    writeFileSync(allowed, `alice namespaces="${NAMESPACE}" ${line}\n`);
    writeFileSync(sig, signature);
    const args = ['-Y', 'verify', '-f', allowed, '-I', 'alice', '-n', NAMESPACE, '-s', sig];
    return execFileSync('ssh-keygen', args, { input: statementText(statement), encoding: 'utf8' });
  };

  it.each(['ed25519', 'ecdsa'])('are made with ssh-keygen from the screen, and checked with it: %s', (type) => {
    expect(approvalNamespace(request.trustDomain)).toBe(NAMESPACE);
    const key = join(dir, type);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', key]);
    const file = join(dir, `${type}.statement`);
    writeFileSync(file, statementText(readScreen(renderScreen(statement))));
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', NAMESPACE, file], { stdio: 'pipe' });
    const one = { statement: readFileSync(file, 'utf8'), signature: readFileSync(`${file}.sig`, 'utf8') };
    const line = readFileSync(`${key}.pub`, 'utf8').trim();
    const { vote, statement: said } = openApproval(one, request, () => [plain(parseSshKey(line).blob)], NOW);
    expect(vote).toMatchObject({ human: 'alice', strength: 1 });
    expect(said.decision).toBe('approve');
    expect(verify(line, one.signature, type)).toContain(`Good "${NAMESPACE}" signature for alice`);
  });

  it.each(KEY_TYPES)('of a key that is no file are checked with ssh-keygen as well: %s', (type) => {
    const key = newSshKey(type);
    const { signature } = submitted(key);
    expect(verify(`${type} ${key.blob}`, signature, type)).toContain(`Good "${NAMESPACE}" signature for alice`);
  });
});
