// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import {
  approvalNamespace,
  differences,
  parseStatement,
  refuseUnfit,
  requestDigest,
  type Statement,
  statementText,
} from '../../src/approvals/statement.ts';
import { Failure } from '../../src/lib/failure.ts';
import { ANY_REQUEST, grantRequest, NOW, refunds, taskRequest } from '../support/approval.ts';
import { refusalOf } from '../support/refusal.ts';

const approve = (request: ApprovalRequest): Statement => ({
  decision: 'approve',
  human: 'alice',
  reason: null,
  request,
});
const good = statementText(approve(taskRequest()));
/** With other members: canonical and with a digest that fits, so that nothing else is wrong with it. */
const refusedWith = (change: object): Failure => refusalOf(() => statementText(approve(taskRequest(change))));

describe('a statement', () => {
  it('is the text of RFC 8785 of all that the decision rests on, in one line', () => {
    const request =
      `{"because":["high-impact-needs-human"],"deadline":1772367600000,"delegates":[],"executable":"/usr/bin/node",` +
      `"findings":[],"from":null,"grant":null,"id":"01JTASK0000000000000000000",` +
      `"identity":"spiffe://example.org/agent/support-bot","kind":"task","log":"example.org/log/1","most_tasks":null,` +
      `"need_count":1,"need_other_uid":false,"need_strength":2,"nonce":"AAAAAAAAAAAAAAAAAAAAAA","not_after":1772367300000,` +
      `"owner":"human:alice","parent":null,"pid":4242,"policy_hash":"${'cd'.repeat(32)}","purpose":"refund ticket 4711",` +
      `"requested_by":null,"secrets":"none-seen","selectors":["unix:gid:1000","unix:uid:1000"],"sha256":"${'ab'.repeat(32)}",` +
      `"started":987654,"targets":[{"environment":"production","impact":"high","intents":["payments:read","payments:refund"],` +
      `"irrevocable":false,"name":"payments","owner":"team:payments"}],"task_seconds":null,"trust_domain":"example.org",` +
      `"uid":1000}`;
    const digest = hash('sha256', request, 'hex');
    expect(good).toBe(
      `{"decision":"approve","digest":"sha256:${digest}","human":"alice","reason":null,"request":${request},"v":1}`,
    );
  });

  it('C4: is read back as what it was made of', () => {
    fc.assert(
      fc.property(
        ANY_REQUEST,
        fc.constantFrom('approve' as const, 'reject' as const, 'withdraw' as const),
        (request, decision) => {
          const statement = { decision, human: 'bob', reason: decision === 'reject' ? 'too broad' : null, request };
          expect(parseStatement(statementText(statement))).toEqual(statement);
        },
      ),
    );
  });

  it('C4: has another digest with any one field otherwise', () => {
    const request = taskRequest();
    const others: readonly Partial<ApprovalRequest>[] = [
      ...[{ id: 'x' }, { identity: 'spiffe://example.org/agent/other' }, { purpose: 'x' }, { deadline: NOW }],
      ...[{ parent: 'x' }, { grant: 'x' }, { requestedBy: 'bob' }, { uid: 1 }, { pid: 1 }, { started: 1 }],
      ...[{ selectors: [] }, { executable: null }, { sha256: null }, { secrets: 'found' as const }],
      ...[{ findings: ['x'] }, { owner: 'x' }, { needCount: 2 }, { needStrength: 1 as const }, { needOtherUid: true }],
      ...[{ because: [] }, { policyHash: 'ef'.repeat(32) }, { log: 'x' }, { nonce: 'B'.repeat(22) }, { notAfter: NOW }],
      ...[{ targets: [{ ...refunds, impact: 'low' as const }] }, { targets: [{ ...refunds, irrevocable: true }] }],
      ...[{ targets: [{ ...refunds, intents: ['x'] }] }, { targets: [{ ...refunds, name: 'x' }] }],
      ...[{ targets: [{ ...refunds, owner: 'x' }] }, { targets: [{ ...refunds, environment: null }] }],
    ];
    const digests = [request, ...others.map((change) => taskRequest(change)), grantRequest()].map(requestDigest);
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const change of others) expect(differences(request, taskRequest(change))).toHaveLength(1);
    expect(differences(request, taskRequest({ pid: 1, policyHash: 'ef'.repeat(32) }))).toEqual(['pid', 'policy_hash']);
    expect(differences(request, taskRequest())).toEqual([]);
  });

  it('C4: is told as unfit before anybody is asked, where nobody could sign it', () => {
    refuseUnfit(taskRequest());
    expect(refusalOf(() => refuseUnfit(taskRequest({ purpose: 'a\u202eb' }))).field).toBe('purpose');
  });

  it('is signed under a namespace of the trust domain', () => {
    expect(approvalNamespace('example.org')).toBe('approval@example.org');
  });
});

describe('what is no statement', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'approve'],
    ['a list', '[]'],
    ['null', 'null'],
    ['white space', good.replace(',', ', ')],
    ['a line end', `${good}\n`],
    ['members in another order', good.replace(/^\{"decision":"approve",(.*)\}$/, '{$1,"decision":"approve"}')],
    ['a member twice', good.replace('{', '{"decision":"reject",')],
    ['a member more', good.replace('{', '{"also":"this",')],
    ['a member more in the request', good.replace('"request":{', '"request":{"also":"this",')],
    ['a member more in a target', good.replace('"targets":[{', '"targets":[{"also":"this",')],
    ['a member less', good.replace('"human":"alice",', '')],
    ['a member less in the request', good.replace('"parent":null,', '')],
    ['another version', good.replace('"v":1', '"v":2')],
    ['a version in words', good.replace('"v":1', '"v":"1"')],
    ['half a character', good.replace('/usr/bin/node', '/\\ud800')],
    ['a reason that repaints', good.replace('"reason":null', '"reason":"a\\u001bb"')],
    ['no word on the reason', good.replace('"reason":null,', '')],
    ['a decision that is none', good.replace('"approve"', '"maybe"')],
    ['a decision in a list', good.replace('"approve"', '["approve","reject"]')],
    ['a human with a capital', good.replace('"alice"', '"Alice"')],
    ['another digest', good.replace(/sha256:../, 'sha256:zz')],
    ['a field that the digest does not fit', good.replace('"uid":1000', '"uid":1001')],
    ['an escape that need not be', good.replace('"alice"', '"\\u0061lice"')],
    ['a number otherwise', good.replace('"uid":1000', '"uid":1e3')],
    ['minus zero', good.replace('"uid":1000', '"uid":-0')],
    ['a fraction', good.replace('"uid":1000', '"uid":1000.5')],
    ['a number in text', good.replace('"uid":1000', '"uid":"1000"')],
    ['a number that loses digits', good.replace('"started":987654', '"started":9007199254740993')],
  ])('C4: is refused: %s', (_, text) => {
    expect(text).not.toBe(good);
    expect(() => parseStatement(text)).toThrow(Failure);
  });

  it.each<[string, object, string]>([
    ['ESC in the purpose', { purpose: 'a\u001b[2J' }, 'purpose'],
    ['CR in the purpose', { purpose: 'a\rb' }, 'purpose'],
    ['text that turns around', { purpose: 'a\u202eb' }, 'purpose'],
    ['zero width', { purpose: 'a\u200bb' }, 'purpose'],
    ['a path that is none', { executable: 'node' }, 'executable'],
    ['an owner that repaints', { owner: 'a\u009bb' }, 'owner'],
    ['a target’s owner that repaints', { targets: [{ ...refunds, owner: 'a\u009bb' }] }, 'owner'],
    ['a target twice', { targets: [refunds, refunds] }, 'targets'],
    ['an intent twice', { targets: [{ ...refunds, intents: ['a', 'a'] }] }, 'intents'],
    ['intents out of order', { targets: [{ ...refunds, intents: ['b', 'a'] }] }, 'intents'],
    ['an intent that repaints', { targets: [{ ...refunds, intents: ['a:b=\u001b[2J'] }] }, 'intents'],
    ['an intent that turns around', { targets: [{ ...refunds, intents: ['a:b=\u202ec'] }] }, 'intents'],
    ['no intent', { targets: [{ ...refunds, intents: [] }] }, 'intents'],
    ['a middling impact', { targets: [{ ...refunds, impact: 'middling' }] }, 'impact'],
    ['irrevocable in words', { targets: [{ ...refunds, irrevocable: 'no' }] }, 'irrevocable'],
    ['a nonce that can be guessed', { nonce: 'AAAA' }, 'nonce'],
    ['a policy hash that is none', { policyHash: '' }, 'policy_hash'],
    ['a strength beyond the last', { needStrength: 4 }, 'need_strength'],
    ['a need of nobody', { needCount: 0 }, 'need_count'],
    ['a time that has no text', { notAfter: 253_402_300_800_000 }, 'not_after'],
    ['an identity of another trust domain', { identity: 'spiffe://example.com/agent' }, 'identity'],
    ['the trust domain of another', { trustDomain: 'example.com' }, 'identity'],
    ['a task without its process', { pid: null }, 'kind'],
    ['a task that says nothing of secrets', { secrets: null }, 'kind'],
    ['a task with what a grant has', { mostTasks: 3 }, 'kind'],
    ['a task that delegates', { delegates: ['spiffe://example.org/b'] }, 'kind'],
    ['a grant with a process', grantRequest({ pid: 7 }), 'kind'],
    ['a grant with a program', grantRequest({ executable: '/usr/bin/node' }), 'kind'],
    ['a grant with a digest of a program', grantRequest({ sha256: 'ab'.repeat(32) }), 'kind'],
    ['a grant with selectors', grantRequest({ selectors: ['unix:uid:1000'] }), 'kind'],
    ['a grant under a grant', grantRequest({ grant: 'g1' }), 'kind'],
    ['a grant below a task', grantRequest({ parent: 't1' }), 'kind'],
    ['a grant without an end of its tasks', grantRequest({ taskSeconds: null }), 'kind'],
  ])('C4: is refused with %s', (_, change, field) => {
    const refused = refusedWith(change);
    expect([refused.reason, refused.field]).toEqual(['STATEMENT_INVALID', field]);
    expect(refused.message).toMatch(/^[\x20-\x7e…]*$/);
  });

  it('names the identity that is none', () => {
    expect(refusedWith({ identity: 'spiffe://example.org/a/../b' }).reason).toBe('SPIFFE_ID_INVALID');
    expect(refusedWith({ identity: 'spiffe://example.org' }).reason).toBe('SPIFFE_ID_INVALID');
  });

  it('I9: is refused beyond what anybody reads', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `s${String(at).padStart(3, '0')}`);
    expect(refusedWith({ purpose: 'x'.repeat(201) }).message).toContain('more than 200 characters');
    expect(refusedWith({ executable: `/${'x'.repeat(1_024)}` }).message).toContain('more than 1024 characters');
    const long = `a:b=${'x'.repeat(400)}`;
    expect(refusedWith({ targets: [{ ...refunds, intents: [long] }] }).message).toContain('more than 330 characters');
    expect(refusedWith({ selectors: many(129) }).message).toContain('0 to 128');
    expect(refusedWith({ because: many(33) }).message).toContain('0 to 32');
    expect(refusedWith({ targets: [] }).message).toContain('1 to 8');
    const targets = Array.from({ length: 9 }, (_, at) => ({ ...refunds, name: `t${at}` }));
    expect(refusedWith({ targets }).message).toContain('1 to 8');
    expect(refusalOf(() => parseStatement(`[${' '.repeat(40_000)}]`)).message).toContain('longer than 32768');
  });
});
