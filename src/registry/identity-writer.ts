// SPDX-License-Identifier: Apache-2.0
/** Suspending and resuming identities. Expiry suspends; only retiring is for good (design decision 13). */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Actor, IdentityRecord } from '../store/records.ts';
import type { RegistryStore } from '../store/store.ts';
import { parseExpiry } from './entry-fields.ts';
import { actorName } from './identity-fields.ts';
import { FREE_TEXT_MAX, parseText } from './plain-text.ts';
import type { RegistryIndex } from './registry-index.ts';
import { again } from './retry.ts';

/** Why an identity that ran out is suspended. */
export const EXPIRED = 'expired';
/** Who suspends it. */
const DAEMON = 'assay';
/** Writes of the sweep on their way at once. */
const SWEEP_SLICE = 256;

export class IdentityWriter {
  readonly #store: RegistryStore;
  readonly #index: RegistryIndex;
  readonly #clock: Clock;

  constructor(store: RegistryStore, index: RegistryIndex, clock: Clock) {
    this.#store = store;
    this.#index = index;
    this.#clock = clock;
  }

  suspend(spiffeId: string, reason: string, actor: Actor): Promise<IdentityRecord> {
    const parsed = parseText(reason, 'reason', FREE_TEXT_MAX);
    return again(async () => {
      const before = this.#live(spiffeId);
      if (before.state === 'suspended' && before.stateReason === parsed) return before;
      return this.#write({ ...before, state: 'suspended', stateReason: parsed }, actorName(actor), before);
    });
  }

  /** Makes it active again, and renews it when `expiresAt` says until when; an expired one only so. */
  resume(spiffeId: string, actor: Actor, expiresAt?: number): Promise<IdentityRecord> {
    const until = expiresAt === undefined ? undefined : parseExpiry(expiresAt, 'expires', this.#clock.now());
    return again(async () => {
      const before = this.#live(spiffeId);
      const expiry = until ?? before.expiresAt;
      // guard: I5 test/registry/identity-states.test.ts
      if (expiry <= this.#clock.now()) throw expired(before);
      if (before.state === 'active' && before.expiresAt === expiry) return before;
      return this.#write(
        { ...before, state: 'active', stateReason: null, expiresAt: expiry },
        actorName(actor),
        before,
      );
    });
  }

  /** Suspends what has run out by `now`; answers when the next one will. */
  async suspendExpired(now: number): Promise<number | undefined> {
    const { spiffeIds: due, next } = this.#index.expired(now);
    for (let at = 0; at < due.length; at += SWEEP_SLICE) {
      await Promise.all(due.slice(at, at + SWEEP_SLICE).map((spiffeId) => this.#suspendIfExpired(spiffeId, now)));
    }
    return next;
  }

  #suspendIfExpired(spiffeId: string, now: number): Promise<void> {
    return again(async () => {
      const before = this.#index.identity(spiffeId);
      if (before === undefined || before.state !== 'active' || before.expiresAt > now) return;
      await this.#write({ ...before, state: 'suspended', stateReason: EXPIRED }, DAEMON, before);
    });
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

function expired(identity: IdentityRecord): Failure {
  const at = new Date(identity.expiresAt).toISOString();
  return new Failure('failed-precondition', 'IDENTITY_EXPIRED', `identity ${identity.spiffeId} expired at ${at}`, {
    field: 'expires',
    value: at,
    hint: 'say with --expires until when it is renewed',
  });
}
