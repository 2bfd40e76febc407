// SPDX-License-Identifier: Apache-2.0
/** Members of objects of the Kubernetes API, read as Go writes them: what is empty may be absent or null. Each throws Misshapen. */
export class Misshapen extends Error {}

export function member(value: unknown, field: string): unknown {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Misshapen(`what should hold ${field} is no object`);
  return Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
}

/** Empty where it is absent, as Go writes it. */
export function text(value: unknown, field: string): string {
  const found = member(value, field) ?? '';
  if (typeof found !== 'string') throw new Misshapen(`${field} is no text`);
  return found;
}

export function list(value: unknown, field: string): readonly unknown[] {
  const found = member(value, field) ?? [];
  if (!Array.isArray(found)) throw new Misshapen(`${field} is no list`);
  return found;
}

export function texts(value: unknown, field: string): ReadonlyMap<string, string> {
  const found = member(value, field) ?? {};
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw new Misshapen(`${field} is no object`);
  return new Map(
    Object.entries(found).map(([key, one]) => {
      if (typeof one !== 'string') throw new Misshapen(`${field} holds something that is no text`);
      return [key, one];
    }),
  );
}
