// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { nearest } from '../../src/config/nearest.ts';

describe('nearest', () => {
  it.each([
    ['data_dirr', 'data_dir'],
    ['trustdomain', 'trust_domain'],
    ['Log', 'log'],
    ['socket', 'sockets'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearest(name, ['trust_domain', 'data_dir', 'sockets', 'log'])).toBe(meant);
  });

  it.each(['__proto__', 'completely_different', ''])('finds nothing near %j', (name) => {
    expect(nearest(name, ['trust_domain', 'data_dir', 'sockets'])).toBeUndefined();
  });

  it('I9: costs little for a very long name', () => {
    expect(nearest('x'.repeat(1e6), ['trust_domain'])).toBeUndefined();
  });
});
