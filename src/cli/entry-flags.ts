// SPDX-License-Identifier: Apache-2.0
/** The flags of `entry create` and `entry update`, read into a message. */
import type { Outgoing, WireEntry, WireEntryFilter } from '../api/admin/wire.ts';
import type { AdminOptions } from './admin-client.ts';
import type { Format } from './print.ts';
import { seconds, whenFlag } from './values.ts';

export interface EntryFlags extends AdminOptions {
  readonly output: Format;
  readonly selector?: readonly string[];
  readonly x509Ttl?: string;
  readonly jwtTtl?: string;
  readonly jwtJti?: boolean;
  readonly dns?: readonly string[];
  readonly federatesWith?: readonly string[];
  readonly hint?: string;
  readonly expires?: string;
  readonly acceptClaimedSelectors?: boolean;
}

/** What an error of the daemon may be about. */
export const ENTRY_FLAG_NAMES = [
  '--spiffe-id',
  '--selector',
  '--parent-id',
  '--entry-id',
  '--x509-ttl',
  '--jwt-ttl',
  '--dns',
  '--federates-with',
  '--hint',
  '--expires',
  '--kind',
  '--owner',
  '--deputy',
  '--review-by',
  '--purpose',
  '--env',
  '--identity-expires',
  '--label',
] as const;

export interface NamedFields {
  readonly entry: Outgoing<WireEntry>;
  /** The members of `entry` that a flag gave. */
  readonly fields: readonly string[];
}

/** An empty value clears: `--hint ''`, `--dns ''`, `--x509-ttl ''`. */
export function namedFields(flags: EntryFlags, now: number): NamedFields {
  const entry: Record<string, unknown> = Object.create(null);
  const fields: string[] = [];
  const take = (field: string, value: unknown): void => {
    fields.push(field);
    entry[field] = value;
  };
  if (flags.selector !== undefined) take('selectors', flags.selector);
  if (flags.x509Ttl !== undefined) take('x509_ttl_seconds', ttl(flags.x509Ttl, '--x509-ttl'));
  if (flags.jwtTtl !== undefined) take('jwt_ttl_seconds', ttl(flags.jwtTtl, '--jwt-ttl'));
  if (flags.jwtJti !== undefined) take('jwt_jti', flags.jwtJti);
  if (flags.dns !== undefined) take('dns_names', withoutEmpty(flags.dns));
  if (flags.federatesWith !== undefined) take('federates_with', withoutEmpty(flags.federatesWith));
  if (flags.hint !== undefined) take('hint', flags.hint);
  if (flags.expires !== undefined) {
    take('expires_at', flags.expires === '' ? undefined : whenFlag(flags.expires, '--expires', now));
  }
  return { entry: entry as Outgoing<WireEntry>, fields };
}

function ttl(text: string, flag: string): number | undefined {
  return text === '' ? undefined : seconds(text, flag);
}

/** `--dns ''` alone means none; among others an empty one is a mistake that the daemon names. */
function withoutEmpty(values: readonly string[]): readonly string[] {
  return values.length === 1 && values[0] === '' ? [] : values;
}

export interface FilterFlags extends AdminOptions {
  readonly output: Format;
  readonly spiffeId?: string;
  readonly parentId?: string;
  readonly selector?: readonly string[];
  readonly federatesWith?: string;
  readonly hint?: string;
  readonly limit?: string;
}

export function filterOf(flags: FilterFlags): Outgoing<WireEntryFilter> {
  return {
    spiffe_id: flags.spiffeId,
    parent_id: flags.parentId,
    selectors: flags.selector,
    federates_with: flags.federatesWith,
    hint: flags.hint,
  };
}
