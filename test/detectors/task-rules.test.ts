// SPDX-License-Identifier: Apache-2.0
/** What is outside of what a task declared, and what is a wider ask after a deny. */
import { describe, expect, it } from '@jest/globals';
import {
  type Asked,
  escalation,
  intentMismatch,
  isUndeclared,
  undeclaredIntents,
} from '../../src/detectors/task-rules.ts';
import type { TaskIntent } from '../../src/store/tasks.ts';

const intent = (text: string): TaskIntent => {
  const [name = '', resource] = text.split('=');
  const [target = '', action = ''] = name.split(':');
  return { target, action, resource: resource ?? null };
};
const asked = (intents: readonly string[], change: Partial<Asked> = {}): Asked => ({
  identity: 'spiffe://td/agent',
  task: 'T2',
  pid: 7,
  uid: 1000,
  intents: intents.map(intent),
  isHigh: false,
  refused: undefined,
  deniedBy: [],
  ...change,
});

describe('a refusal', () => {
  it.each<readonly [string, Partial<Asked>, boolean]>([
    ['that is none', {}, false],
    ['by the parent', { refused: 'not-declared' }, true],
    ['where no permit matched', { refused: 'denied', deniedBy: ['default'] }, true],
    ['of an intent that the target has not', { refused: 'denied', deniedBy: ['known-intent'] }, true],
    ['of a target in another environment', { refused: 'denied', deniedBy: ['lifecycle', 'env-isolation'] }, true],
    ['for a secret in the environment', { refused: 'denied', deniedBy: ['no-static-secrets'] }, false],
    ['by a forbid of a site', { refused: 'denied', deniedBy: ['not-on-sundays'] }, false],
  ])('%s is of what was asked for: %s', (_, change, is) => expect(isUndeclared(asked(['crm:read'], change))).toBe(is));
});

describe('intent-mismatch', () => {
  it('I9: is one finding of whoever is denied again and again, and one for each parent', () => {
    const denied = intentMismatch(asked(['crm:drop=a', 'crm:drop=b'], { refused: 'denied' }));
    expect(denied).toEqual({
      detector: 'intent-mismatch',
      identity: 'spiffe://td/agent',
      task: 'T2',
      key: { cause: 'not-permitted' },
      evidence: { cause: 'not-permitted', intents: ['crm:drop'], pid: 7, uid: 1000 },
    });
    expect(intentMismatch(asked(['a:b'], { refused: 'denied', task: 'T3' })).key).toEqual(denied.key);
    const below = intentMismatch(asked(['crm:drop'], { refused: 'not-declared', task: 'P' }));
    expect([below.key, below.task]).toEqual([{ cause: 'not-in-parent', task: 'P' }, 'P']);
  });

  it('I9: shows eight intents at most', () => {
    const many = Array.from({ length: 32 }, (_, at) => `t${at}:read`);
    expect(undeclaredIntents(asked(many)).evidence['intents']).toHaveLength(8);
  });
});

describe('escalation-after-deny', () => {
  const denials = (denied: readonly string[], wasHigh = false) => [
    { task: 'T1', intents: denied.map(intent), isHigh: wasHigh },
  ];

  it.each<readonly [string, readonly string[], readonly string[], boolean]>([
    ['the same again', ['crm:read'], ['crm:read'], false],
    ['less', ['crm:read', 'crm:write'], ['crm:read'], false],
    ['something else', ['crm:read'], ['mail:send'], false],
    ['the same on one thing', ['crm:read'], ['crm:read=1'], false],
    ['the same and more', ['crm:read'], ['crm:read', 'crm:write'], true],
    ['the same on any thing', ['crm:read=1'], ['crm:read'], true],
  ])('C1: %s', (_, before, now, is) => {
    expect(escalation(asked(now), denials(before)) !== undefined).toBe(is);
  });

  it('C1: a target of high impact after one of low', () => {
    const high = asked(['payments:refund'], { isHigh: true });
    expect(escalation(high, denials(['crm:read']))).toMatchObject({
      detector: 'escalation-after-deny',
      task: 'T2',
      key: {},
      evidence: { denied: 'T1', intents: ['payments:refund'] },
    });
    expect(escalation(high, denials(['vault:open'], true))).toBeUndefined();
    expect(escalation(high, [])).toBeUndefined();
  });
});
