// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Closers } from '../../src/lib/closers.ts';

describe('Closers', () => {
  it('closes in the opposite order, once', async () => {
    const closed: string[] = [];
    const closers = new Closers();
    closers.add('a', () => void closed.push('a'));
    closers.add('b', async () => void closed.push('b'));
    await Promise.all([closers.close(), closers.close()]);
    expect(closed).toEqual(['b', 'a']);
  });

  it('closes the others when one fails, and names it', async () => {
    const closed: string[] = [];
    const closers = new Closers();
    closers.add('store', () => void closed.push('store'));
    closers.add('listener', () => {
      throw new Error('no');
    });
    await expect(closers.close()).rejects.toThrow('listener did not close');
    expect(closed).toEqual(['store']);
  });
});
