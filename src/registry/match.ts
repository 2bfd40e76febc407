// SPDX-License-Identifier: Apache-2.0
/**
 * Which identities a caller gets, in which order, and why not the others: the rules, without the looking up.
 *
 * Order is (created_at, id) of the entries, so that a new entry never changes a workload's default (WAPI-18). Entries
 * with the same SPIFFE ID and hint are one grant: the oldest mints, federation is the union of all. An empty hint equals
 * no other; the same hint on two identities goes to the oldest (WAPI-16).
 */
import { strengthOf } from '../identity/selector.ts';
import type { Strength } from '../identity/strength.ts';
import type { MeantMembers } from '../jwt/mint-check.ts';
import type { EntryRecord, IdentityRecord } from '../store/records.ts';

export interface Grant {
  /** The entry that mints. */
  readonly entry: EntryRecord;
  readonly identity: IdentityRecord;
  readonly hint: string;
  /** Trust domain names, sorted: the union over all matching entries of this identity and hint. */
  readonly federatesWith: readonly string[];
  /** The earlier end of entry and identity; no SVID may outlive it (I5). */
  readonly endsAt: number;
  /** True when nothing stronger than claimed selectors speaks for the caller (attack A1). */
  readonly claimedOnly: boolean;
  /** The SPIFFE ID of what is issued: the entry's, or the task's below it. */
  readonly subject: string;
  /** The task that the identity is lent for; undefined outside of one. */
  readonly lease: Lease | undefined;
}

/** An identity lent for a task. */
export interface Lease {
  readonly taskId: string;
  /** SPIFFE ID of the identity. */
  readonly identity: string;
  /** What is issued carries this ID. */
  readonly subject: string;
  readonly endsAt: number;
  /** No credential of the task lives longer, however long the entry says. */
  readonly x509TtlMs: number;
  readonly jwtTtlMs: number;
  /** What tokens say beside whose they are: registered claims alone (RFC 8417 `txn`, RFC 8693 `scope`, RFC 9396). */
  readonly claims: MeantMembers;
}

export type RefusedReason =
  | 'ENTRY_EXPIRED'
  | 'EXPIRED'
  | 'SUSPENDED'
  | 'RETIRED'
  | 'DRAFT'
  | 'TASK_REQUIRED'
  | 'CLAIMED_ONLY'
  | 'HINT_TAKEN'
  | 'TOO_MANY';

export interface Refused {
  readonly entryId: string;
  readonly spiffeId: string;
  readonly reason: RefusedReason;
  /** One clause in words, fit for the caller. */
  readonly text: string;
}

export interface Match {
  /** The default identity first. */
  readonly grants: readonly Grant[];
  readonly refused: readonly Refused[];
  /** Every entry that this answer rests on: those that mint and those that only add federation. */
  readonly entryIds: readonly string[];
  /** When the answer changes by time alone. */
  readonly nextDeadline: number | undefined;
}

export interface Candidate {
  readonly entry: EntryRecord;
  readonly identity: IdentityRecord;
}

export interface MatchRules {
  readonly now: number;
  readonly grantsPerCaller: number;
  /** Matching entries, all newer, that were left out of the candidates. */
  readonly unseen: number;
  /** Then nothing but this identity is given. */
  readonly lease?: Lease | undefined;
}

interface Open {
  readonly candidate: Candidate;
  readonly federatesWith: Set<string>;
  readonly claimedOnly: boolean;
}

/** All selectors of each candidate's entry are among the caller's. */
export function decide(
  candidates: readonly Candidate[],
  selectors: ReadonlyMap<string, Strength>,
  rules: MatchRules,
): Match {
  const grants = new Map<string, Open>();
  const hints = new Map<string, string>();
  const refused: Refused[] = [];
  const entryIds: string[] = [];
  let nextDeadline = Infinity;
  for (const candidate of [...candidates].sort(byAge)) {
    const { entry } = candidate;
    // guard: I1 test/registry/match-lease.test.ts — a task has one identity, and no other comes along
    if (rules.lease !== undefined && entry.spiffeId !== rules.lease.identity) continue;
    const refuse = (reason: RefusedReason, text: string): void => {
      refused.push({ entryId: entry.id, spiffeId: entry.spiffeId, reason, text });
    };
    const claimedOnly = entry.selectors.every((selector) => selectors.get(selector) === 'claimed');
    const broken = ineligible(candidate, claimedOnly, rules);
    if (broken !== undefined) {
      refuse(...broken);
      continue;
    }
    nextDeadline = Math.min(nextDeadline, endOf(candidate));
    const key = JSON.stringify([entry.spiffeId, entry.hint]);
    const open = grants.get(key);
    const holder = entry.hint === '' ? undefined : hints.get(entry.hint);
    if (open !== undefined) {
      for (const trustDomain of entry.federatesWith) open.federatesWith.add(trustDomain);
    } else if (holder !== undefined) {
      refuse('HINT_TAKEN', `an older entry gives the hint ${JSON.stringify(entry.hint)} to another identity`);
      continue;
    } else if (grants.size >= rules.grantsPerCaller) {
      refuse('TOO_MANY', `the caller has ${rules.grantsPerCaller} older identities already (limits.grants_per_caller)`);
      continue;
    } else {
      grants.set(key, { candidate, federatesWith: new Set(entry.federatesWith), claimedOnly });
      if (entry.hint !== '') hints.set(entry.hint, entry.spiffeId);
    }
    entryIds.push(entry.id);
  }
  const newest = refused.at(-1);
  if (rules.unseen > 0 && newest !== undefined) {
    refused.push({
      ...newest,
      reason: 'TOO_MANY',
      text: `${rules.unseen} newer entries that match were not looked at`,
    });
  }
  return {
    grants: [...grants.values()].map((one) => grantOf(one, rules.lease)),
    refused,
    entryIds,
    nextDeadline: nextDeadline === Infinity ? undefined : nextDeadline,
  };
}

/** What keeps these entries from giving an identity to whoever has all their selectors. */
export function refusalsOf(
  entries: readonly EntryRecord[],
  identityOf: (spiffeId: string) => IdentityRecord | undefined,
  kinds: ReadonlyMap<string, ReadonlyMap<string, Strength>>,
  now: number,
): readonly Refused[] {
  return entries.flatMap((entry) => {
    const identity = identityOf(entry.spiffeId);
    if (identity === undefined) return [];
    const own = new Map(entry.selectors.map((one) => [one, strengthOf(one, kinds) ?? ('claimed' as const)]));
    return decide([{ entry, identity }], own, { now, grantsPerCaller: 1, unseen: 0 }).refused;
  });
}

function ineligible(
  { entry, identity }: Candidate,
  claimedOnly: boolean,
  { now, lease }: MatchRules,
): [reason: RefusedReason, text: string] | undefined {
  // guard: I5 test/registry/match.test.ts
  if (entry.expiresAt !== null && entry.expiresAt <= now) return ['ENTRY_EXPIRED', 'its entry has expired'];
  if (identity.state === 'retired') return ['RETIRED', 'the identity is retired'];
  if (identity.state === 'draft') return ['DRAFT', 'the identity is not active yet'];
  // guard: I5 test/registry/match.test.ts — by comparison as well as by the sweep, which may be late
  if (identity.expiresAt <= now) return ['EXPIRED', 'the identity has expired'];
  // guard: I1 test/registry/match.test.ts
  if (identity.state === 'suspended') return ['SUSPENDED', 'the identity is suspended'];
  // guard: C1 test/registry/match.test.ts — an agent's identity is lent for a task, never had for the asking
  if (identity.kind === 'agent' && lease === undefined)
    return ['TASK_REQUIRED', 'an identity of kind agent needs a task'];
  // guard: A1 test/registry/match.test.ts
  if (claimedOnly && !entry.claimedAccepted) return ['CLAIMED_ONLY', 'only claimed selectors speak for the caller'];
  return undefined;
}

function grantOf({ candidate, federatesWith, claimedOnly }: Open, lease: Lease | undefined): Grant {
  const { entry, identity } = candidate;
  return {
    entry,
    identity,
    hint: entry.hint,
    federatesWith: [...federatesWith].sort(),
    // guard: I5 test/registry/match-lease.test.ts
    endsAt: Math.min(endOf(candidate), lease?.endsAt ?? Infinity),
    claimedOnly,
    subject: lease?.subject ?? entry.spiffeId,
    lease,
  };
}

function endOf({ entry, identity }: Candidate): number {
  return Math.min(entry.expiresAt ?? Infinity, identity.expiresAt);
}

/** (created_at, id), ids by code unit, as the store sorts them (SQLite BINARY collation; ids are ASCII). */
function byAge(a: Candidate, b: Candidate): number {
  return a.entry.createdAt - b.entry.createdAt || (a.entry.id < b.entry.id ? -1 : a.entry.id > b.entry.id ? 1 : 0);
}
