// SPDX-License-Identifier: Apache-2.0
/** The claims of a checked token as google.protobuf.Struct (WAPI-29, WAPI-30): `aud` always a list, numbers as numbers. */
import type { JwtSvidClaims } from '../../jwt/svid.ts';
import { JsonNumber, type JsonValue } from '../../lib/json-text.ts';

export function toClaimsField({ claims, audiences }: Pick<JwtSvidClaims, 'claims' | 'audiences'>): object {
  return toStruct(new Map<string, JsonValue>([...claims, ['aud', audiences]]));
}

function toStruct(members: ReadonlyMap<string, JsonValue>): object {
  const fields = Object.create(null) as Record<string, object>;
  // Without a prototype `__proto__` is a name like any other (attack B7); protobufjs keeps it one.
  for (const [name, value] of members) fields[name] = toValue(value);
  return { fields };
}

function toValue(value: JsonValue): object {
  if (value === null) return { nullValue: 0 };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (value instanceof JsonNumber) return { numberValue: Number(value.source) };
  if (value instanceof Map) return { structValue: toStruct(value) };
  return { listValue: { values: (value as readonly JsonValue[]).map(toValue) } };
}
