// SPDX-License-Identifier: Apache-2.0
/** A statement's members by a table: how each is written in JSON, how it is called on the screen, and what it may be. */
import type { Json } from '../lib/canonical-json.ts';
import type { JsonValue } from '../lib/json-text.ts';
import { invalidStatement, type Kind, type Scalar } from './values.ts';

export interface Field {
  readonly member: string;
  /** In JSON. */
  readonly name: string;
  /** On the screen. */
  readonly label: string;
  readonly kind: Kind<Scalar>;
}

export const field = (member: string, json: string, label: string, kind: unknown): Field => ({
  member,
  name: json,
  label,
  kind: kind as Kind<Scalar>,
});

/** Throws what their kinds throw. */
export function membersOf(
  fields: readonly Field[],
  members: ReadonlyMap<string, JsonValue>,
): { readonly [name: string]: Scalar } {
  return Object.fromEntries(fields.map(({ member, name, kind }) => [member, kind.parse(members.get(name), name)]));
}

/** An object with these members and no others. Throws ('invalid-argument', 'STATEMENT_INVALID'). */
export function objectOf(
  json: JsonValue | undefined,
  field: string,
  names: readonly string[],
): ReadonlyMap<string, JsonValue> {
  if (!(json instanceof Map)) throw invalidStatement(field, typeof json, 'it is no object');
  const odd = [...json.keys()].find((name) => !names.includes(name));
  if (odd !== undefined) throw invalidStatement(field, odd, 'it has a member of this name');
  const missing = names.find((name) => !json.has(name));
  if (missing !== undefined) throw invalidStatement(field, missing, 'it lacks the member of this name');
  return json;
}

export function fieldsJson(fields: readonly Field[], from: object): { readonly [name: string]: Json } {
  const values = new Map(Object.entries(from));
  return Object.fromEntries(fields.map(({ member, name }) => [name, values.get(member) as Json]));
}
