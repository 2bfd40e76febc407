// SPDX-License-Identifier: Apache-2.0
/** Typed arrays that grow by doubling. */
type Numbers = Int32Array | Uint32Array | Float64Array | Uint8Array;

/** The same array when `index` fits, else a copy twice as long, filled up with zeros. */
export function grown<T extends Numbers>(array: T, index: number): T {
  if (index < array.length) return array;
  const make = array.constructor as new (length: number) => T;
  const longer = new make(Math.max(index + 1, array.length * 2));
  longer.set(array);
  return longer;
}
