// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { readAnswer } from '../../src/plugins/answer.ts';
import { toAnswer, toConfigured, type WireAnswer } from '../../src/plugins/wire.ts';

const configured = toConfigured({
  kinds: [
    { name: 'team', strength: 'STRENGTH_AUTHORITY', secret: false },
    { name: 'badge', strength: 'STRENGTH_CLAIMED', secret: true },
  ],
  wants_pidfd: false,
  tells_changes: true,
});
const message = (some: Partial<WireAnswer> = {}, applies: object = {}): WireAnswer => ({
  answer: 'applies',
  applies: { selectors: [], facts: [], left_out: [], ...applies },
  rests_on: [],
  ...some,
});

describe('a message of a plugin', () => {
  it('declares kinds with their strengths, and which are secret', () => {
    expect([...configured.kinds]).toEqual([
      ['team', 'authority'],
      ['badge', 'claimed'],
    ]);
    expect([...configured.secretKinds]).toEqual(['badge']);
  });

  it('gives a selector the strength of its kind where it says none', () => {
    const selectors = [
      { value: 'team:a', strength: 'STRENGTH_UNSPECIFIED' },
      { value: 'team:b', strength: 'STRENGTH_CLAIMED' },
      { value: 'unix:uid:0', strength: 'STRENGTH_UNSPECIFIED' },
    ];
    expect(toAnswer(message({}, { selectors }), configured)).toMatchObject({
      selectors: [
        { value: 'team:a', strength: 'authority' },
        { value: 'team:b', strength: 'claimed' },
        { value: 'unix:uid:0', strength: 'claimed' },
      ],
    });
  });

  it('A13: with a strength that is none of them is refused', () => {
    const selectors = [{ value: 'team:a', strength: 7 }];
    expect(() => readAnswer('mine', toAnswer(message({}, { selectors }), configured))).toThrow(
      /strength that there is not/,
    );
  });

  it('rests on what it tells of, and on nothing else', () => {
    expect(toAnswer(message({ rests_on: ['file'], good_for_ms: 500 }), configured)).toMatchObject({
      restsOn: ['file'],
      goodForMs: 500,
    });
    const silent = { ...configured, tellsChanges: false };
    expect(toAnswer(message(), silent)).not.toHaveProperty('restsOn');
    expect(() => toAnswer(message({ rests_on: ['file'] }), silent)).toThrow(/tells of no changes/);
  });

  it('says why it does not apply', () => {
    expect(toAnswer(message({ answer: 'does_not_apply', does_not_apply: { reason: 'no team' } }), configured)).toEqual({
      applies: false,
      reason: 'no team',
      restsOn: [],
    });
  });

  it('without an answer is refused', () => {
    expect(() => readAnswer('mine', toAnswer({ rests_on: [] }, configured))).toThrow(/than an object/);
  });

  it('B7: keeps a fact called __proto__ to itself', () => {
    const answer = toAnswer(message({}, { facts: [{ name: '__proto__', value: 'x' }] }), configured) as {
      facts: object;
    };
    expect([Object.keys(answer.facts), Object.getPrototypeOf(answer.facts)]).toEqual([['__proto__'], null]);
  });

  it.each<[string, () => unknown]>([
    [
      'a kind',
      () =>
        toConfigured({
          kinds: [{ name: 'a\ufffd', strength: '', secret: false }],
          wants_pidfd: false,
          tells_changes: false,
        }),
    ],
    ['a selector', () => toAnswer(message({}, { selectors: [{ value: 'team:\ufffd', strength: '' }] }), configured)],
    ['a reason', () => toAnswer(message({ does_not_apply: { reason: '\ufffd' } }), configured)],
    ['a ground', () => toAnswer(message({ rests_on: ['\ufffd'] }), configured)],
  ])('A13: with bytes that are no UTF-8 in %s is refused', (_what, read) => {
    expect(read).toThrow(/not UTF-8/);
  });
});
