// SPDX-License-Identifier: Apache-2.0
/** Claims as plain values, for whoever only looks at them. Objects have no prototype, so no name is special (attack B7). */
import { JsonNumber, type JsonValue } from '../lib/json-text.ts';
import type { JsonObject } from './token.ts';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** Numbers become doubles, as JSON.parse would make them. */
export function plainOf(value: JsonValue): Plain {
  if (value instanceof JsonNumber) return Number(value.source);
  if (value instanceof Map) return plainObject(value as JsonObject);
  if (Array.isArray(value)) return value.map(plainOf);
  return value as null | boolean | string;
}

export function plainObject(value: JsonObject): { readonly [name: string]: Plain } {
  const out = Object.create(null) as Record<string, Plain>;
  for (const [name, member] of value) out[name] = plainOf(member);
  return out;
}
