// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, intentText, isWithin, parseIntents, parseTask } from '../../src/tasks/request.ts';
import { refusalOf } from '../support/refusal.ts';

const TERMS = { defaultTtlMs: 60_000, mostTtlMs: 3_600_000 };
const ASKED = { identity: '', parent: '', grant: '', purpose: 'p', intents: ['crm:read'], ttlMs: 0 };
const why = (change: object) => {
  const { reason, field } = refusalOf(() => parseTask({ ...ASKED, ...change }, TERMS));
  return [reason, field];
};

describe('what is asked for', () => {
  it('has the default length where it says none', () => {
    expect(parseTask(ASKED, TERMS)).toEqual({
      ...ASKED,
      ttlMs: 60_000,
      intents: [{ target: 'crm', action: 'read', resource: null }],
    });
  });

  it.each([9_999, 3_600_001, -1, 1.5, Number.NaN])('I5: is refused where it lasts %p ms', (ttlMs) => {
    expect(why({ ttlMs })).toEqual(['TASK_TTL_INVALID', 'ttl']);
  });

  it('C4: has a purpose that people can read as it is', () => {
    for (const purpose of ['', ' ', 'a\u001b[2Jb', 'a\u202eb', 'a\u200bb', 'x'.repeat(201)])
      expect(why({ purpose })).toEqual(['TEXT_INVALID', 'purpose']);
  });

  it.each([
    'crm',
    ':read',
    'crm:',
    'CRM:read',
    'crm:re ad',
    'crm:read=',
    'crm:read=\u202e',
    '__proto__:x',
    'crm :read',
  ])('C4: has intents that are written plainly: %j is none', (intent) => {
    expect(why({ intents: [intent] })[1]).toBe('intents'.slice(0, intent.includes('=') ? 6 : 7));
  });

  it('I9: has 1 to 32 intents', () => {
    expect(why({ intents: [] })).toEqual(['INTENT_INVALID', 'intents']);
    expect(why({ intents: Array.from({ length: 33 }, (_, at) => `crm:r${at}`) })).toEqual([
      'INTENT_INVALID',
      'intents',
    ]);
  });
});

const action = fc.stringMatching(/^[a-z0-9][a-z0-9._:-]{0,20}$/);
const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
const resource = fc.option(fc.stringMatching(/^[a-z0-9=: /-]*[a-z0-9]$/), { nil: undefined });
const intent = fc.tuple(name, action, resource).map(([t, a, r]) => (r === undefined ? `${t}:${a}` : `${t}:${a}=${r}`));
const intents = fc.array(intent, { minLength: 1, maxLength: 8 });

describe('intents', () => {
  it('are read as they are written, each once, in an order of their own', () => {
    fc.assert(
      fc.property(intents, (texts) => {
        const parsed = parseIntents(texts);
        expect(parsed.map(intentText)).toEqual([...new Set(texts)].sort());
        expect(parseIntents([...texts].reverse())).toEqual(parsed);
      }),
    );
  });

  it('C1: of a child are within those of its parent, or it is refused', () => {
    fc.assert(
      fc.property(intents, intents, (parent, child) => {
        const [wide, narrow] = [parseIntents(parent), parseIntents(child)];
        const within = narrow.every(
          (one) => parent.includes(intentText(one)) || parent.includes(`${one.target}:${one.action}`),
        );
        expect(isWithin(narrow, wide)).toBe(within);
        expect(isWithin(wide, wide)).toBe(true);
      }),
    );
    expect(isWithin(parseIntents(['a:b']), parseIntents(['a:b=c']))).toBe(false);
  });
});

it('C4: the digest stands for each field that is shown', () => {
  const task = {
    identity: 'spiffe://td/a',
    parent: null,
    grant: null,
    purpose: 'p',
    intents: parseIntents(['crm:read']),
    pid: 1,
    uid: 2,
    startTime: '3',
    attested: '{}',
  };
  const digests = [
    digestOf(task, 1_000),
    digestOf(task, 2_000),
    ...[
      { identity: 'spiffe://td/b' },
      { parent: 'x' },
      { purpose: 'q' },
      { intents: parseIntents(['crm:read=1']) },
      { pid: 2 },
      { uid: 3 },
      { startTime: '4' },
      { attested: '{"a":1}' },
    ].map((change) => digestOf({ ...task, ...change }, 1_000)),
  ];
  expect(new Set(digests).size).toBe(10);
  expect(digestOf({ ...task }, 1_000)).toBe(digests[0]);
});
