// SPDX-License-Identifier: Apache-2.0
/**
 * The life of identities: draft, active, suspended, retired. Expiry and a missed review suspend; one that expired can be renewed
 * under the same SPIFFE ID for a while, then it retires; only retiring is for good (design decision 13).
 */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Actor, IdentityRecord } from '../store/records.ts';
import type { RegistryStore } from '../store/store.ts';
import type { Ceiling } from './ceiling.ts';
import { dueStep, foundBy, isOwnReason, isPastGrace, isRenewable } from './due.ts';
import { parseEntrySpiffeId, parseExpiry } from './entry-fields.ts';
import {
  expired,
  isDraft,
  noDraft,
  ownerGone,
  pastGrace,
  reasonReserved,
  tooFar,
  unreviewed,
} from './identity-failures.ts';
import { actorName, lifeFrom, newIdentity, parseIdentity, parseLabels, parseOwner } from './identity-fields.ts';
import type { DueSlice } from './index/identity-rows.ts';
import type { IdentityPatch, NewLoneIdentity } from './input.ts';
import type { People } from './people.ts';
import { ENVIRONMENT_MAX, FREE_TEXT_MAX, parseText } from './plain-text.ts';
import type { RegistryIndex } from './registry-index.ts';
import { again } from './retry.ts';
import type { EntryRules } from './rules.ts';

/** Who suspends it. */
const DAEMON = 'assay';
/** Writes of the sweep on their way at once. */
const SWEEP_SLICE = 256;

/** What a step made of an identity. */
export interface Stepped {
  readonly identity: IdentityRecord;
  /** Who answered for it until its deputy, now the owner, took over; absent where nobody did. */
  readonly ownerWhoLeft?: string;
}

export type IdentityLife = Pick<IdentityWriter, 'create' | 'update' | 'activate' | 'renew' | 'retire' | 'suspendFound'>;

export interface IdentityWriterRooms {
  readonly store: RegistryStore;
  readonly index: RegistryIndex;
  readonly identities: Ceiling;
  readonly people: People;
  readonly rules: EntryRules;
  readonly clock: Clock;
}

export class IdentityWriter {
  readonly #store: RegistryStore;
  readonly #index: RegistryIndex;
  readonly #identities: Ceiling;
  readonly #people: People;
  readonly #rules: EntryRules;
  readonly #clock: Clock;

  constructor(rooms: IdentityWriterRooms) {
    this.#people = rooms.people;
    this.#store = rooms.store;
    this.#index = rooms.index;
    this.#identities = rooms.identities;
    this.#rules = rooms.rules;
    this.#clock = rooms.clock;
  }

  suspend(spiffeId: string, reason: string, actor: Actor): Promise<IdentityRecord> {
    const parsed = parseText(reason, 'reason', FREE_TEXT_MAX);
    // guard: I5 test/registry/identity-life.test.ts
    if (isOwnReason(parsed)) throw reasonReserved(parsed);
    return again(async () => {
      const before = this.#live(spiffeId);
      if (before.state === 'suspended' && before.stateReason === parsed) return before;
      return this.#write({ ...before, state: 'suspended', stateReason: parsed }, actorName(actor), before);
    });
  }

  /**
   * For what a detector found. What somebody gave a reason for, what never began and what is over stay as they are: then
   * undefined. A renewal does not lift it. Rejects with ('not-found', 'IDENTITY_NOT_FOUND'), ('failed-precondition',
   * 'IDENTITY_RETIRED').
   */
  suspendFound(spiffeId: string, detector: string): Promise<IdentityRecord | undefined> {
    return again(async () => {
      const before = this.#live(spiffeId);
      // guard: I5 test/registry/identity-life.test.ts
      if (before.state !== 'active' && !isRenewable(before)) return undefined;
      return this.#write({ ...before, state: 'suspended', stateReason: foundBy(detector) }, DAEMON, before);
    });
  }

  /** Makes it active again, and renews it when `expiresAt` says until when; an expired one only so. */
  resume(spiffeId: string, actor: Actor, expiresAt?: number): Promise<Stepped> {
    const until = expiresAt === undefined ? undefined : parseExpiry(expiresAt, 'expires', this.#clock.now());
    return again(async () => {
      const before = this.#live(spiffeId);
      const expiry = until ?? before.expiresAt;
      // guard: I5 test/registry/identity-states.test.ts
      if (expiry <= this.#clock.now()) throw expired(before);
      const now = this.#clock.now();
      // guard: I5 test/registry/identity-life.test.ts
      if (before.reviewBy !== null && before.reviewBy <= now) throw unreviewed(before);
      if (before.state === 'draft') throw isDraft(before);
      this.#refuseTooLate(before, until, now);
      if (before.state === 'active' && before.expiresAt === expiry) return { identity: before };
      const changed = { ...before, state: 'active', stateReason: null, expiresAt: expiry } as const;
      return this.#writeWithHeir(changed, actorName(actor), before);
    });
  }

  /** Without an entry. */
  async create(input: NewLoneIdentity, actor: Actor): Promise<IdentityRecord> {
    const now = this.#clock.now();
    const spiffeId = parseEntrySpiffeId(input.spiffeId, this.#rules);
    const fresh = newIdentity(spiffeId, parseIdentity(input, now), actor, now);
    this.#people.requireOwners(fresh);
    const identity = input.draft === true ? { ...fresh, state: 'draft' as const } : fresh;
    await this.#identities.hold(() => this.#store.createIdentity(identity, actorName(actor)));
    return identity;
  }

  /** Changes what is named in `patch` and nothing else. */
  update(spiffeId: string, patch: IdentityPatch, actor: Actor): Promise<IdentityRecord> {
    const now = this.#clock.now();
    const text = (value: string | null, field: string, max = FREE_TEXT_MAX): string | null =>
      value === null ? null : parseText(value, field, max);
    const { owner, deputy, purpose, environment, labels, reviewBy } = patch;
    const said = {
      ...(owner === undefined ? {} : { owner: parseOwner(owner, 'owner') }),
      ...(deputy === undefined ? {} : { deputy: deputy === null ? null : parseOwner(deputy, 'deputy') }),
      ...(purpose === undefined ? {} : { purpose: text(purpose, 'purpose') }),
      ...(environment === undefined ? {} : { environment: text(environment, 'env', ENVIRONMENT_MAX) }),
      ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
      ...(reviewBy === undefined
        ? {}
        : { reviewBy: reviewBy === null ? null : parseExpiry(reviewBy, 'review_by', now) }),
    };
    return again(async () => {
      const before = this.#live(spiffeId);
      this.#people.requireOwners(said);
      return this.#write({ ...before, ...said }, actorName(actor), before);
    });
  }

  /** A draft begins. */
  activate(spiffeId: string, actor: Actor): Promise<Stepped> {
    return again(async () => {
      const before = this.#live(spiffeId);
      if (before.state !== 'draft') throw noDraft(before);
      // guard: I5 test/registry/identity-life.test.ts
      if (before.expiresAt <= this.#clock.now()) throw expired(before);
      return this.#writeWithHeir({ ...before, state: 'active', stateReason: null }, actorName(actor), before);
    });
  }

  /**
   * A new end, and a new owner where one is named; one that had expired, or whose owner is gone, is active again. What was
   * suspended for another reason stays so.
   */
  renew(spiffeId: string, actor: Actor, expiresAt?: number, owner?: string): Promise<Stepped> {
    const named = owner === undefined ? undefined : parseOwner(owner, 'owner');
    const now = this.#clock.now();
    const asked = expiresAt === undefined ? undefined : parseExpiry(expiresAt, 'expires', now);
    return again(async () => {
      const before = this.#live(spiffeId);
      const until = asked ?? lifeFrom(before.kind, now);
      this.#refuseTooLate(before, until, now);
      // guard: I5 test/registry/identity-life.test.ts
      if (isRenewable(before) && before.reviewBy !== null && before.reviewBy <= now) throw unreviewed(before);
      const state = isRenewable(before) ? ({ state: 'active', stateReason: null } as const) : {};
      const changed = { ...before, ...state, expiresAt: until };
      if (named === undefined) return this.#writeWithHeir(changed, actorName(actor), before);
      // guard: C1 test/registry/people.test.ts
      this.#people.requireOwners({ owner: named });
      // Whoever answers for it is not their own deputy.
      const deputy = before.deputy === named ? null : before.deputy;
      return { identity: await this.#write({ ...changed, owner: named, deputy }, actorName(actor), before) };
    });
  }

  /** For good: its entries go, what it was given is revoked, and its SPIFFE ID is never given again. */
  retire(spiffeId: string, reason: string, actor: Actor): Promise<IdentityRecord> {
    const parsed = parseText(reason, 'reason', FREE_TEXT_MAX);
    return again(() => this.#retire(this.#live(spiffeId), parsed, actorName(actor)));
  }

  /** Suspends what has run out or was not reviewed by `now`, retires what was not renewed; answers when the next is due. */
  async doDue(now: number): Promise<number | undefined> {
    let next = Infinity;
    // A slice at a time: many that were made together end together.
    for (let from: number | undefined = 0; from !== undefined; ) {
      const slice: DueSlice = this.#index.due(now, from, SWEEP_SLICE);
      await Promise.all(slice.spiffeIds.map((spiffeId) => this.#doIfDue(spiffeId, now)));
      next = Math.min(next, slice.next ?? Infinity);
      from = slice.rest;
    }
    return next === Infinity ? undefined : next;
  }

  #doIfDue(spiffeId: string, now: number): Promise<void> {
    return again(async () => {
      const before = this.#index.identity(spiffeId);
      const step = before === undefined ? undefined : dueStep(before, this.#rules.graceMs, now);
      if (before === undefined || step === undefined) return;
      if (step === 'retire') await this.#retire(before, 'expired, and not renewed in time', DAEMON);
      else await this.#write({ ...before, state: 'suspended', stateReason: step }, DAEMON, before);
    });
  }

  async #retire(before: IdentityRecord, reason: string, by: string): Promise<IdentityRecord> {
    const changed = { ...before, state: 'retired', stateReason: reason, stateSince: this.#clock.now() } as const;
    const identity = { ...changed, revision: before.revision + 1 };
    await this.#store.retireIdentity(identity, by);
    return identity;
  }

  #refuseTooLate(before: IdentityRecord, until: number | undefined, now: number): void {
    const latest = lifeFrom(before.kind, now);
    // guard: C1 test/registry/identity-life.test.ts
    if (until !== undefined && until > latest) throw tooFar(before.kind, until, latest, 'expires');
    // guard: I5 test/registry/identity-life.test.ts
    if (isPastGrace(before, this.#rules.graceMs, now)) throw pastGrace(before);
  }

  /** The deputy takes over what nobody answers for any more. */
  async #writeWithHeir(changed: IdentityRecord, by: string, before: IdentityRecord): Promise<Stepped> {
    const { owner, deputy, spiffeId } = before;
    if (!this.#people.isGone(owner)) return { identity: await this.#write(changed, by, before) };
    // guard: C1 test/registry/people.test.ts
    if (deputy === null || this.#people.isGone(deputy)) throw ownerGone(spiffeId, owner);
    const identity = await this.#write({ ...changed, owner: deputy, deputy: null }, by, before);
    return { identity, ownerWhoLeft: owner };
  }

  #live(spiffeId: string): IdentityRecord {
    const identity = this.#index.identity(spiffeId);
    if (identity === undefined) {
      throw new Failure('not-found', 'IDENTITY_NOT_FOUND', `no identity ${quote(spiffeId)} is registered`, {
        field: 'spiffe_id',
        value: spiffeId,
        hint: 'list them with: assay identity list',
      });
    }
    if (identity.state !== 'retired') return identity;
    throw new Failure('failed-precondition', 'IDENTITY_RETIRED', `identity ${quote(spiffeId)} is retired for good`, {
      field: 'spiffe_id',
      value: spiffeId,
      hint: 'choose another SPIFFE ID',
    });
  }

  async #write(changed: IdentityRecord, by: string, before: IdentityRecord): Promise<IdentityRecord> {
    const stateSince = changed.state === before.state ? before.stateSince : this.#clock.now();
    const identity = { ...changed, stateSince, revision: before.revision + 1 };
    await this.#store.updateIdentity(identity, by);
    return identity;
  }
}
