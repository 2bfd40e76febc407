// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TooLarge } from '../../../attestors/k8s/item-splitter.ts';
import { linesOf } from '../../../attestors/k8s/lines.ts';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function lines(text: string, size: number, most = 1_000): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(pieces(Buffer.from(text), size), most)) found.push(line.toString());
  return found;
}

describe('lines', () => {
  it('are cut as they come, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string()), fc.integer({ min: 1, max: 20 }), async (some, size) => {
        const clean = some.map((one) => one.replaceAll('\n', ' '));
        expect(await lines(clean.map((one) => `${one}\n`).join(''), size)).toEqual(clean);
      }),
    );
  });

  it('end with a line feed: what is cut off is none', async () => {
    expect(await lines('a\nb', 1)).toEqual(['a']);
  });

  it('I9: are refused when one has no end', async () => {
    await expect(lines('x'.repeat(2_000), 100)).rejects.toBeInstanceOf(TooLarge);
    expect((await lines(`${'x'.repeat(900)}\n`.repeat(3), 100)).length).toBe(3);
  });
});
