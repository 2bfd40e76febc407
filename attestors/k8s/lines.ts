// SPDX-License-Identifier: Apache-2.0
import { TooLarge } from './item-splitter.ts';

const LINE_FEED = 0x0a;

/** The lines of a stream without their ends; what stands behind the last end is no line. Throws TooLarge. */
export async function* linesOf(stream: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      parts.push(piece.subarray(from, end));
      yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
      [parts, bytes, from] = [[], 0, end + 1];
    }
    parts.push(piece.subarray(from));
    bytes += piece.length - from;
    // guard: I9 test/attestors/k8s/lines.test.ts
    if (bytes > mostBytes) throw new TooLarge(`over ${mostBytes} bytes in one item`);
  }
}
