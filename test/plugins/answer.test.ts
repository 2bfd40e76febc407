// SPDX-License-Identifier: Apache-2.0
/** Attack A13: what an attestor of others answers is read once, bounded and copied, or refused whole. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Failure } from '../../src/lib/failure.ts';
import { readAnswer } from '../../src/plugins/answer.ts';
import { PLUGIN_BOUNDS } from '../../src/plugins/bounds.ts';

const good = {
  applies: true,
  selectors: [{ value: 'team:payments', strength: 'authority' }],
  facts: { team: 'payments', uids: [1, 2], on: true },
  leftOut: [{ kind: 'lead', reason: 'nobody leads it' }],
  restsOn: ['teams'],
  goodForMs: 1_000,
};
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const selector = (value: unknown, strength: unknown = 'authority') => ({ ...good, selectors: [{ value, strength }] });

function refusalOf(answer: unknown): Failure {
  try {
    readAnswer('mine', answer);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('not refused');
}

describe('an answer', () => {
  it('is taken whole, as a copy', () => {
    const given = structuredClone(good);
    const read = readAnswer('mine', given);
    expect(read).toEqual(expect.objectContaining({ ...good, facts: expect.objectContaining(good.facts) }));
    given.selectors.length = 0;
    given.facts.team = 'root';
    expect(read).toMatchObject({ selectors: good.selectors, facts: { team: 'payments' } });
  });

  it('says why it does not apply', () => {
    expect(readAnswer('mine', { applies: false, reason: 'no team', restsOn: [] })).toEqual({
      applies: false,
      reason: 'no team',
      restsOn: [],
    });
  });

  it('B7: keeps a fact called __proto__ to itself', () => {
    const { facts } = readAnswer('mine', { ...good, facts: JSON.parse('{ "__proto__": "x" }') }) as typeof good;
    expect(Object.getPrototypeOf(facts)).toBeNull();
    expect(Object.keys(facts)).toEqual(['__proto__']);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'applies'],
    ['a list', [good]],
    ['no word on whether it applies', { ...good, applies: 'yes' }],
    ['no reason', { applies: false }],
    ['an empty reason', { applies: false, reason: '' }],
    ['a reason that paints a terminal', { applies: false, reason: 'gone\u001b[2J' }],
    ['a reason without end', { applies: false, reason: 'x'.repeat(PLUGIN_BOUNDS.textBytes + 1) }],
    ['selectors that are no list', { ...good, selectors: { length: 1 } }],
    ['a million selectors', { ...good, selectors: many(1_000_000, good.selectors[0]) }],
    ['one selector too many', { ...good, selectors: many(PLUGIN_BOUNDS.selectors + 1, good.selectors[0]) }],
    ['a selector that is no text', selector(7)],
    ['a selector without end', selector('team:'.padEnd(3_000, 'x'))],
    ['an empty selector', selector('')],
    ['a selector of two lines', selector('team:a\nunix:uid:0')],
    ['a selector that is no Unicode', selector('team:\ud800')],
    ['a strength that there is not', selector('team:a', 'absolute')],
    ['a strength that is a list', selector('team:a', ['kernel'])],
    ['a fact that is an object', { ...good, facts: { a: { b: 1 } } }],
    ['a fact that is no number', { ...good, facts: { a: Number.NaN } }],
    ['a fact of both', { ...good, facts: { a: [1, 'b'] } }],
    ['too many facts', { ...good, facts: Object.fromEntries(many(65, 0).map((_, at) => [at, at])) }],
    ['too long a fact', { ...good, facts: { a: many(PLUGIN_BOUNDS.factItems + 1, 'x') } }],
    ['no list of what is left out', { ...good, leftOut: undefined }],
    ['no reason for what is left out', { ...good, leftOut: [{ kind: 'a' }] }],
    ['a ground that is no text', { ...good, restsOn: [1] }],
    ['too many grounds', { ...good, restsOn: many(PLUGIN_BOUNDS.grounds + 1, 'a') }],
    ['a time that is too short', { ...good, goodForMs: 1 }],
    ['a time that is none', { ...good, goodForMs: Number.NaN }],
    ['a time in words', { ...good, goodForMs: '1s' }],
  ])('A13: is refused whole when it is %s', (_what, answer) => {
    const failure = refusalOf(answer);
    expect(failure).toMatchObject({ kind: 'unavailable', reason: 'PLUGIN_ANSWER', field: 'attestors.mine' });
    expect(failure.message.length).toBeLessThan(300);
  });

  it('I10: is not shown in its refusal', () => {
    const failure = refusalOf(selector('env:PASSWORD=hunter2\n'));
    expect(`${failure.message} ${failure.hint} ${String(failure.cause)}`).not.toContain('hunter2');
  });

  it('A13: whatever it is, is taken within bounds or refused, and nothing else happens', () => {
    const shapes = fc.oneof(
      fc.anything(),
      fc.record({ applies: fc.oneof(fc.boolean(), fc.anything()), reason: fc.string(), restsOn: fc.anything() }),
      fc.record({
        applies: fc.constant(true),
        selectors: fc.array(fc.record({ value: fc.string(), strength: fc.constantFrom('kernel', 'claimed', 'x') })),
        facts: fc.dictionary(fc.string(), fc.anything()),
        leftOut: fc.constant([]),
      }),
    );
    fc.assert(
      fc.property(shapes, (answer) => {
        try {
          const read = readAnswer('mine', answer);
          if (read.applies) expect(read.selectors.length).toBeLessThanOrEqual(PLUGIN_BOUNDS.selectors);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'PLUGIN_ANSWER' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
