// SPDX-License-Identifier: Apache-2.0
/** `npm run hostile` runs what is named after an attack, and misses what has none. */
import { describe, expect, it } from '@jest/globals';
import { parseThreats } from '../../tools/conformance/threats.ts';
import { chosen, type Report, tally } from '../../tools/hostile/tally.ts';
import { top } from './sources.ts';

const reportOf = (...tests: [fullName: string, status: string][]): Report => ({
  testResults: [
    {
      name: '/top/test/a.test.ts',
      status: tests.some(([, status]) => status === 'failed') ? 'failed' : 'passed',
      assertionResults: tests.map(([fullName, status]) => ({
        fullName,
        status,
        duration: status === 'pending' ? null : 4_200,
      })),
    },
  ],
});

describe('the hostile suite', () => {
  const { attacks, files, pattern } = chosen(top);

  it('is about every attack of part A, and no other', () => {
    expect(attacks.map(({ id }) => id)).toEqual(Array.from({ length: 13 }, (_, at) => `A${at + 1}`));
  });

  it('takes the files that name one, and of them the tests that do', () => {
    expect(files).toContain('test/attacks/pid-storm.test.ts');
    expect(files).toContain('test/peer/churn.test.ts');
    expect(files).not.toContain('test/structure/hostile.test.ts');
    expect(pattern.test('a caller of A2, A4: each gets what is its own')).toBe(true);
    expect(pattern.test('PC-A4 and A4-b')).toBe(false);
  });

  it('may be of some attacks alone', () => {
    const some = chosen(top, ['A4']);
    expect(some.attacks.map(({ id }) => id)).toEqual(['A4']);
    expect(some.files).toContain('test/attacks/pid-storm.test.ts');
    expect(some.files).not.toContain('test/peer/digest-cache.test.ts');
    expect(some.pattern.test('A8: of a FUSE mount')).toBe(false);
    expect(() => chosen(top, ['A14'])).toThrow('A14 is no attack');
  });

  it('counts a test for each attack that it names, and misses one that has none which passed', () => {
    const [section] = parseThreats('# A: Who\nA1 | a | b\nA2 | a | b\nA3 | a | b\n');
    const report = reportOf(
      ['A1, A2: two', 'passed'],
      ['a thing (attack A1)', 'failed'],
      ['A13: another', 'passed'],
      ['A3: not here', 'pending'],
    );
    expect(tally(report, section?.threats ?? [])).toEqual({
      lines: ['A1     1 passed, 1 failed, 8 s', 'A2     1 passed, 4 s', 'A3     0 passed, 1 skipped, 0 s'],
      missing: ['A3'],
      outside: [],
    });
  });

  it('tells of files that failed outside their tests: those of one that does not load, no attack would miss', () => {
    const broken = { name: '/top/test/b.test.ts', status: 'failed', assertionResults: [] };
    const { testResults } = reportOf(['A1: one', 'passed']);
    expect(tally({ testResults: [...testResults, broken] }, []).outside).toEqual(['/top/test/b.test.ts']);
  });
});
