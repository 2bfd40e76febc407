// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { judgeFetched } from '../../src/federation/verdict.ts';

const fetched = (sequence: bigint | null, isSame = false) => ({ sequence, isFetched: true, isSame });

describe('FED-22: a fetched bundle', () => {
  it.each([
    ['where none is stored', undefined, 5n, 'take'],
    ['of a higher sequence', fetched(5n), 6n, 'take'],
    ['of a higher sequence with the same content', fetched(5n, true), 6n, 'take'],
    ['of the same sequence and content', fetched(5n, true), 5n, 'unchanged'],
    ['of the same sequence and other content', fetched(5n), 5n, 'ignore'],
    ['of a lower sequence', fetched(5n), 4n, 'ignore'],
    ['of a lower sequence and the same content', fetched(5n, true), 4n, 'ignore'],
    ['without a sequence', fetched(5n), null, 'take'],
    ['with one where the stored one has none', fetched(null), 1n, 'take'],
    ['without one, the same', fetched(null, true), null, 'unchanged'],
    ['over 53 bits, higher by one', fetched(9_007_199_254_740_992n), 9_007_199_254_740_993n, 'take'],
    ['over 53 bits, lower by one', fetched(9_007_199_254_740_993n), 9_007_199_254_740_992n, 'ignore'],
  ])('%s', (_, stored, sequence, kind) => {
    expect(judgeFetched(stored, sequence).kind).toBe(kind);
  });

  it.each([[null], [3n], [9n]])('FED-23: replaces one that was set by hand with the sequence %s', (sequence) => {
    expect(judgeFetched({ sequence, isFetched: false, isSame: false }, 4n).kind).toBe('take');
  });

  it('that is ignored says why', () => {
    expect(judgeFetched(fetched(5n), 4n)).toMatchObject({ reason: 'its sequence 4 is lower than 5, which is stored' });
    expect(judgeFetched(fetched(5n), 5n)).toMatchObject({ reason: expect.stringContaining('other content') });
  });
});
