// SPDX-License-Identifier: Apache-2.0
/** Which files make a set, and the hash that names it. */
import { describe, expect, it } from '@jest/globals';
import { MOST_FILES, parseFiles, policyHash, SET_MAX } from '../../src/policy/files.ts';

const file = (name: string, text = '') => ({ name, text });

describe('files of policies', () => {
  it('come in the order of their names', () => {
    expect(parseFiles([file('b.cedar'), file('a.cedar')]).map(({ name }) => name)).toEqual(['a.cedar', 'b.cedar']);
  });

  it.each([
    '',
    'a',
    '../a.cedar',
    'a/b.cedar',
    '.cedar',
    'A.cedar',
    'a.cedar\n',
    'assay:guardrails.cedar',
    `${'a'.repeat(65)}.cedar`,
  ])('B7: may not be called %j', (name) => {
    expect(() => parseFiles([file(name)])).toThrow(expect.objectContaining({ reason: 'POLICY_FILE_INVALID' }));
  });

  it('B7: have each name once', () => {
    expect(() => parseFiles([file('a.cedar'), file('a.cedar')])).toThrow('it is there twice');
  });

  it('I9: are no more, and no longer, than there may be', () => {
    const many = Array.from({ length: MOST_FILES + 1 }, (_, at) => file(`a${at}.cedar`));
    expect(parseFiles(many.slice(1))).toHaveLength(MOST_FILES);
    expect(() => parseFiles(many)).toThrow('257 files of policies are refused');
    expect(() => parseFiles([file('a.cedar', ' '.repeat(SET_MAX + 1))])).toThrow('bytes of policies are refused');
  });
});

describe('the hash of a set', () => {
  const hash = policyHash([file('a.cedar', 'one'), file('b.cedar', 'two')]);

  it('does not depend on the order', () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(policyHash([file('b.cedar', 'two'), file('a.cedar', 'one')])).toBe(hash);
  });

  it.each([
    ['a text', [file('a.cedar', 'one'), file('b.cedar', 'two ')]],
    ['a name', [file('a.cedar', 'one'), file('c.cedar', 'two')]],
    ['where one ends and the next begins', [file('a.cedar', 'oneb.cedar'), file('b.cedar', 'two')]],
    ['a file', [file('a.cedar', 'one')]],
  ])('is another with another: %s', (_name, files) => {
    expect(policyHash(files)).not.toBe(hash);
  });
});
