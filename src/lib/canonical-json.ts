// SPDX-License-Identifier: Apache-2.0
/**
 * One text for one value (RFC 8785): names sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript
 * writes them, which is what that RFC asks for. Only what needs no judgement is taken: whole numbers that are safe, well-formed
 * text, lists, plain objects; anything else throws a TypeError.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string') return canonicalText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return canonicalObject(value as { readonly [name: string]: Json });
}

export function canonicalNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no safe whole number`);
  // RFC 8785 section 3.2.2.3: minus zero is written as zero.
  return String(value);
}

export function canonicalText(value: string): string {
  // RFC 8785 section 3.2.2.2: a lone surrogate is an error.
  if (!value.isWellFormed()) throw new TypeError('text with a lone surrogate has no canonical form');
  return JSON.stringify(value);
}

function canonicalObject(value: { readonly [name: string]: Json }): string {
  const proto: unknown = Object.getPrototypeOf(value);
  if (typeof value !== 'object' || (proto !== Object.prototype && proto !== null))
    throw new TypeError(`a ${typeof value} that is no plain object has no canonical form`);
  const members = Object.keys(value)
    // As JavaScript compares text: by UTF-16 code units.
    .sort()
    .map((name) => `${canonicalText(name)}:${canonicalJson(value[name] as Json)}`);
  return `{${members.join(',')}}`;
}
