// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { jsonText, plain } from '../../src/cli/print.ts';

/** ESC, CR, a C1 control, bidi, a zero-width one, a line separator, a tag, one that is not assigned. */
const HOSTILE = ['\u001b', '\r', '\u009b', '\u202e', '\u2066', '\u200b', '\u2028', '\u{e0041}', '\u{10ffff}'];
const shown = `a${HOSTILE.join('b')}ü漢🙂`;

describe('C4: what outside text does to a terminal', () => {
  it('is nothing in words', () => {
    for (const one of HOSTILE) expect(plain(shown)).not.toContain(one);
    expect(plain(shown)).toContain('ü漢🙂');
  });

  it.each([undefined, 2])('is nothing in JSON, which says the same (indent %s)', (indent) => {
    const value = { [shown]: [shown, 'x\ny'] };
    const text = jsonText(value, indent);
    for (const one of HOSTILE) expect(text).not.toContain(one);
    expect(text).toContain('ü漢🙂');
    expect(JSON.parse(text)).toEqual(value);
    expect(text.includes('\n')).toBe(indent !== undefined);
  });
});
