// SPDX-License-Identifier: Apache-2.0
/** Requests as people write them: each value read strictly, each default named. */
import { describe, expect, it } from '@jest/globals';
import { readRequest } from '../../src/policy/said.ts';
import { refusalOf } from '../support/refusal.ts';
import { bot, crm, NOW } from './support.ts';

const names = {
  principal: (name: string) => (name === 'bot' ? bot : undefined),
  target: (name: string) => (name === 'crm' ? crm : undefined),
};
const least = { principal: 'bot', target: 'crm', intents: ['crm:read'] };
const read = (more: object = {}) => readRequest({ ...least, ...more }, names, NOW);
const refused = (more: object) => refusalOf(() => read(more)).message;

describe('a request', () => {
  it('has a default for what is left out, and names it', () => {
    const { request, assumed } = read({ action: 'issue' });
    expect(request).toEqual({
      principal: bot,
      target: crm,
      action: 'issue',
      context: {
        at: NOW,
        intents: ['crm:read'],
        purpose: '',
        depth: 0,
        deadlineSeconds: 300,
        attested: { selectors: [], claimed: [], secrets: 'none-seen' },
        approvals: [],
        findings: [],
        uidRelation: 'unknown',
        task: { id: 'task', identity: bot.spiffeId, state: 'active', intents: ['crm:read'] },
      },
    });
    expect(assumed.map((one) => one.split(':')[0])).toEqual([
      'task',
      'purpose',
      'depth',
      'seconds',
      'attested',
      'uid_relation',
    ]);
  });

  it('has everything that is said', () => {
    const said = {
      at: '2026-01-31T12:00:00Z',
      action: 'use',
      purpose: 'p',
      depth: 2,
      seconds: 60,
      attested: { selectors: ['a:b'], claimed: ['c:d'], secrets: 'found' },
      approvals: [{ human: 'alice', strength: 'verified', uid: 'other' }],
      findings: ['unused'],
      uid_relation: 'same',
      task: { id: 't', identity: 'spiffe://x/y', state: 'ended', intents: [] },
      principal: {
        spiffe_id: 'spiffe://a/b',
        kind: 'job',
        owner: 'o',
        env: 'e',
        labels: { a: 'b' },
        state: 'draft',
        expires: '2027-01-01T00:00:00Z',
      },
      target: {
        name: 't',
        owner: 'o',
        env: 'e',
        impact: 'high',
        intents: ['i'],
        third_party: true,
        review_by: '2027-01-01T00:00:00Z',
        expires: '2027-01-01T00:00:00.5Z',
        retired: true,
      },
    };
    const { request, assumed } = read(said);
    expect(assumed).toEqual([]);
    expect(request.context).toMatchObject({
      at: Date.parse(said.at),
      depth: 2,
      deadlineSeconds: 60,
      approvals: [{ human: 'alice', strength: 3, uid: 'other' }],
      task: { state: 'ended', intents: [] },
    });
    expect(request.principal).toMatchObject({
      kind: 'job',
      labels: new Map([['a', 'b']]),
      expiresAt: Date.UTC(2027, 0, 1),
    });
    expect(request.target).toMatchObject({ thirdParty: true, retired: true, reviewBy: Date.UTC(2027, 0, 1) });
  });

  it('at begin has no task, and without one where it says null', () => {
    expect(read().request.context.task).toBeUndefined();
    expect(read({ action: 'use', task: null }).request.context.task).toBeUndefined();
    expect(refused({ action: 'begin', task: {} })).toContain('request.task');
  });

  it.each([
    ['C1: a member that is misspelt', { secrets: 'found' }, 'request.secrets'],
    ['C1: a member within that is misspelt', { attested: { secret: 'found' } }, 'request.attested.secret'],
    ['an action there is not', { action: 'steal' }, 'request.action: "steal" is refused: one of begin, issue, use'],
    ['a number as text', { depth: '1' }, 'request.depth: "1" is refused: a whole number'],
    ['a number with a fraction', { seconds: 0.5 }, 'request.seconds'],
    ['a number below 0', { depth: -1 }, 'request.depth'],
    ['a time of another form', { at: 'tomorrow' }, 'request.at'],
    ['a time that is none', { at: '2026-13-01T00:00:00Z' }, 'request.at'],
    ['intents that are one', { intents: 'crm:read' }, 'request.intents'],
    ['I9: intents without end', { intents: Array(33).fill('x') }, 'request.intents'],
    ['I9: approvals without end', { approvals: Array(1_025).fill({}) }, 'request.approvals'],
    ['approvals that are one', { approvals: { human: 'a' } }, 'request.approvals'],
    [
      'an approval without a name',
      { approvals: [{ strength: 'key' }] },
      'request.approvals[0].human: nothing is refused',
    ],
    ['a strength there is not', { approvals: [{ human: 'a', strength: 'voice' }] }, 'request.approvals[0].strength'],
    ['a principal that is not known', { principal: 'nobody' }, 'request.principal: "nobody"'],
    ['a target that is a number', { target: 7 }, 'request.target: "7" is refused'],
    ['labels that are a list', { principal: { spiffe_id: 'a', env: 'b', labels: ['a'] } }, 'request.principal.labels'],
    [
      'a label that is a number',
      { principal: { spiffe_id: 'a', env: 'b', labels: { a: 1 } } },
      'request.principal.labels',
    ],
    [
      'a flag as text',
      { target: { name: 'a', env: 'b', impact: 'low', intents: [], retired: 'no' } },
      'request.target.retired',
    ],
  ])('with %s is refused', (_name, more, message) => {
    expect(refused(more)).toContain(message);
  });

  it('B7: named by a property of every object is misspelt like others', () => {
    const said = JSON.parse('{"principal":"bot","target":"crm","intents":[],"__proto__":{"action":"use"}}');
    expect(refusalOf(() => readRequest(said, names, NOW)).message).toContain('request.__proto__');
  });

  it('that is no object is refused', () => {
    for (const said of [null, 'x', [], 7])
      expect(refusalOf(() => readRequest(said, names, NOW)).reason).toBe('POLICY_REQUEST_INVALID');
  });
});
