// SPDX-License-Identifier: Apache-2.0
/** The tests of a site's policies. */
import { describe, expect, it } from '@jest/globals';
import { MOST_CASES, readTests, runCases } from '../../src/policy/cases.ts';
import { PolicySet } from '../../src/policy/policy-set.ts';
import { NOW, SITE } from './support.ts';

const set = PolicySet.load(SITE);
const principals = { bot: { spiffe_id: 'spiffe://example.org/bot', env: 'prod', labels: { team: 'support-agents' } } };
const targets = {
  crm: { env: 'prod', impact: 'low', intents: ['crm:read'] },
  payments: { env: 'prod', impact: 'high', intents: ['payments:refund'] },
};
const run = (...tests: object[]) => runCases(set, readTests({ principals, targets, tests }, NOW).cases);
const reads = { name: 'reads', principal: 'bot', target: 'crm', intents: ['crm:read'] };
const refused = (said: unknown): string => {
  try {
    readTests(said, NOW);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a test of policies', () => {
  it('passes where the outcome is what is expected, by the policies that are named', () => {
    const refund = {
      name: 'refunds',
      principal: 'bot',
      target: 'payments',
      action: 'issue',
      intents: ['payments:refund'],
    };
    const results = run(
      { ...reads, expect: 'allow', by: ['support-bot-reads-crm'] },
      { ...refund, expect: 'approve 1 touch' },
      { ...refund, uid_relation: 'other', expect: 'approve 1 key other-uid' },
      { ...refund, approvals: [{ human: 'a', strength: 'touch' }], expect: 'allow' },
      { ...reads, task: null, action: 'use', expect: 'deny', by: ['agents-need-a-task'] },
    );
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
  });

  it('fails with what was, and what named it', () => {
    const [wrong, missing] = run({ ...reads, expect: 'deny' }, { ...reads, expect: 'allow', by: ['other'] });
    expect(wrong).toMatchObject({ passed: false, expected: 'deny', was: 'allow (support-bot-reads-crm)' });
    expect(missing).toMatchObject({
      passed: false,
      expected: 'allow, by other',
      was: 'allow, without other (support-bot-reads-crm)',
    });
  });

  it.each([
    ['a name that is not known', { tests: [{ ...reads, expect: 'allow' }] }, 'tests[0].principal: "bot" is refused'],
    [
      'a member that is misspelt',
      { principals, targets, tests: [{ ...reads, intent: ['x'], expect: 'allow' }] },
      'tests[0].intent',
    ],
    [
      'an outcome there is not',
      { principals, targets, tests: [{ ...reads, expect: 'maybe' }] },
      'tests[0].expect: "maybe"',
    ],
    ['a member of the file that is misspelt', { test: [] }, 'tests.yaml.test'],
    ['tests that are no list', { tests: { a: 1 } }, 'tests.yaml.tests'],
    ['principals that are a list', { principals: [] }, 'tests.yaml.principals'],
    ['a target named twice', { targets: { a: { name: 'b', env: 'x', impact: 'low', intents: [] } } }, 'targets.a.name'],
    [
      'a target without an environment',
      { targets: { a: { impact: 'low', intents: [] } } },
      'targets.a.env: nothing is refused',
    ],
    ['I9: more tests than there may be', { tests: Array(MOST_CASES + 1).fill({}) }, `at most ${MOST_CASES}`],
    ['a file that is a list', [], 'tests.yaml'],
  ])('is refused with %s', (_name, said, message) => {
    expect(refused(said)).toContain(message);
  });

  it('B7: may speak of a principal called __proto__', () => {
    const said = JSON.parse('{"principals":{"__proto__":{"spiffe_id":"spiffe://a/b","env":"x"}},"tests":[]}');
    expect(readTests(said, NOW).names.principal('__proto__')?.spiffeId).toBe('spiffe://a/b');
    expect(readTests({}, NOW).names.principal('constructor')).toBeUndefined();
  });

  it('needs no file', () => {
    expect(readTests(undefined, NOW).cases).toEqual([]);
  });
});
