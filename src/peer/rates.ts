// SPDX-License-Identifier: Apache-2.0
/**
 * How often a tenant may begin something that leaves a row behind: a burst, then so many a second (I9). Ceilings bound
 * what is open at once; who opens and closes again would still fill the disk, and a full disk refuses everyone.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { tenantOf } from './ceilings.ts';
import type { Peer } from './peer.ts';

export interface RateLimits {
  /** Of what, in the plural; for messages. */
  readonly what: string;
  readonly burst: number;
  readonly perSecond: number;
  /** The daemon's uid. */
  readonly ownUid: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

interface Standing {
  readonly isPreferred: boolean;
  readonly at: number;
}

/** A look at a caller costs about as much as all else that a cached token needs. It decides of a rate here, of no identity. */
const STANDING_MS = 1_000;
/** Above this many tenants, those that have not come for long are dropped from memory. */
const REMEMBERED = 1_024;

export class Rates {
  readonly #limits: RateLimits;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #standings = new WeakMap<Peer, Standing>();

  constructor(limits: RateLimits, clock: Pick<Clock, 'monotonic'>) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** The refusal, or undefined. */
  take(peer: Peer): Failure | undefined {
    const tenant = tenantOf(peer.process);
    const now = this.#clock.monotonic();
    const tokens = this.#tokens(tenant, now);
    // guard: I9 test/attacks/churn.test.ts
    if (tokens < 1) return this.#isPreferred(peer, now) ? undefined : this.#refusal(peer.process.uid);
    this.#buckets.set(tenant, { tokens: tokens - 1, at: now });
    if (this.#buckets.size > REMEMBERED) this.#forget(now);
    return undefined;
  }

  #tokens(tenant: string, now: number): number {
    const { burst, perSecond } = this.#limits;
    const bucket = this.#buckets.get(tenant);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
  }

  /** Root of the machine and the daemon's own uid, not root of some container. */
  #isPreferred(peer: Peer, now: number): boolean {
    const { uid } = peer.process;
    if (uid !== 0 && uid !== this.#limits.ownUid) return false;
    const known = this.#standings.get(peer);
    // guard: I9 test/attacks/churn.test.ts — a process may drop what it was
    if (known !== undefined && now - known.at < STANDING_MS) return known.isPreferred;
    const isPreferred = peer.sameNamespaces;
    this.#standings.set(peer, { isPreferred, at: now });
    return isPreferred;
  }

  #forget(now: number): void {
    for (const tenant of [...this.#buckets.keys()])
      if (this.#tokens(tenant, now) >= this.#limits.burst) this.#buckets.delete(tenant);
  }

  #refusal(uid: number): Failure {
    const { what, burst, perSecond } = this.#limits;
    const limit = `${perSecond} a second, after ${burst} at once (limits.new_streams_per_second)`;
    return new Failure('unavailable', 'RATE_REACHED', `too many ${what} of uid ${uid}: the ceiling is ${limit}`, {
      value: String(perSecond),
      hint: 'keep one stream open instead of asking often; come back in a second',
    });
  }
}
