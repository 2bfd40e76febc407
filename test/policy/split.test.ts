// SPDX-License-Identifier: Apache-2.0
/** A file into policies, within the bounds that keep Cedar's stack from running out. */
import { describe, expect, it } from '@jest/globals';
import { newCedar } from '../../src/policy/cedar.ts';
import { MOST_CONDITIONS, MOST_NESTED, MOST_STEPS, POLICY_MAX, splitPolicies } from '../../src/policy/split.ts';

const when = (body: string) => `@id("a") @reason("r") forbid (principal, action, resource) when { ${body} };`;
/** `when {` is the first of the brackets. */
const nested = (depth: number) => when(`${'('.repeat(depth - 1)}true${')'.repeat(depth - 1)}`);
const steps = (count: number) => when(`${'1'}${'+1'.repeat(count)} == 1`);
const conditions = (count: number) => when(`true${' && true'.repeat(count)}`);
const refused = (text: string) => {
  try {
    splitPolicies(text);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a file of policies', () => {
  it('is split where a policy ends, and not within texts, comments or brackets', () => {
    const text =
      '// a; b\n\n@id("a;\\"b") permit (principal, action, resource) when { "};" == "" }; // c;\n forbid (principal, action, resource);';
    expect(splitPolicies(text)).toEqual([
      { line: 3, text: '@id("a;\\"b") permit (principal, action, resource) when { "};" == "" };' },
      { line: 4, text: 'forbid (principal, action, resource);' },
    ]);
  });

  it('with nothing but comments has none', () => {
    expect(splitPolicies('// nothing\n\t\r\n')).toEqual([]);
  });

  it('that is not finished keeps its end, for Cedar to refuse', () => {
    expect(splitPolicies('permit (principal').map(({ text }) => text)).toEqual(['permit (principal']);
  });

  it.each([
    ['I9: brackets within each other', nested(MOST_NESTED), nested(MOST_NESTED + 1), 'brackets within each other'],
    ['I9: steps after each other', steps(MOST_STEPS), steps(MOST_STEPS + 1), `more than ${MOST_STEPS} of`],
    ['I9: conditions after each other', conditions(MOST_CONDITIONS), conditions(MOST_CONDITIONS + 1), 'of && and ||'],
    [
      'I9: characters of one policy',
      when(`"${'a'.repeat(POLICY_MAX - when('""').length)}"`),
      when(`"${'a'.repeat(POLICY_MAX)}"`),
      'characters',
    ],
  ])('%s: so many and no more', (_name, most, tooMany, words) => {
    expect(refused(most)).toBe('');
    expect(refused(tooMany)).toContain(words);
  });

  it('I9: within all bounds at once leaves Cedar stack to spare', () => {
    const deep = `${'('.repeat(MOST_NESTED - 1)}context${'.a'.repeat(MOST_STEPS)}${')'.repeat(MOST_NESTED - 1)}${' && true'.repeat(MOST_CONDITIONS)}`;
    const [policy] = splitPolicies(when(deep));
    const cedar = newCedar();
    const policies = { staticPolicies: { a: policy?.text ?? '' } };
    expect(cedar.policyToJson(policy?.text ?? '').type).toBe('success');
    expect(
      cedar.validate({ schema: 'entity A; action use appliesTo { principal: [A], resource: [A] };', policies }).type,
    ).toBe('success');
    const uid = (type: string) => ({ type, id: 'a' });
    const request = { principal: uid('A'), action: uid('Action'), resource: uid('A'), context: {}, entities: [] };
    expect(cedar.isAuthorized({ ...request, policies }).type).toBe('success');
  });

  it('beyond them costs Cedar its instance: what the bounds are for', () => {
    const cedar = newCedar();
    expect(() => cedar.policyToJson(nested(200))).toThrow();
    expect(() => cedar.policyToJson(nested(2))).toThrow();
    expect(newCedar().policyToJson(nested(2)).type).toBe('success');
  });

  it.each([
    [
      'a return that ends a comment for one reader and not for another',
      '// a\rpermit (principal, action, resource);',
      'U+000D',
    ],
    ['an escape', '// \u001b[2J', 'U+001B'],
    ['what turns the direction of text', '// \u202e', 'U+202E'],
    ['what cannot be seen', '// a\u200bb', 'U+200B'],
    ['half a character', '// \ud800', 'U+D800'],
  ])('C4: with %s is refused', (_name, text, code) => {
    expect(refused(`\n${text}`)).toBe(`the policy at line 2 holds ${code}, which is not seen as what it is`);
  });
});
