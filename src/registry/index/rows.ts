// SPDX-License-Identifier: Apache-2.0
/** Reads packed rows (store/packed.ts) where they lie. */
import { FIELD_END, ROW_END } from '../../store/packed.ts';

export function eachRow(chunk: Buffer, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < chunk.length; ) {
    const found = chunk.indexOf(ROW_END, start);
    const end = found < 0 ? chunk.length : found;
    visit(start, end);
    start = end + 1;
  }
}

/** Where the field that begins at `start` ends. */
export function endOfField(chunk: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) if (chunk[at] === FIELD_END) return at;
  return end;
}

/** A decimal number of digits alone, as times are. */
export function digitsAt(chunk: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (chunk[at] as number) - 0x30;
  return value;
}
