// SPDX-License-Identifier: Apache-2.0
/** How many denials of one uid are written down: each is a row that stays (I9). */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';

const MOST = 60;
const WITHIN_MS = 60_000;

export class DenialBudget {
  readonly #clock: Clock;
  readonly #taken = new Map<number, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws once the uid has had its share. */
  take(uid: number): void {
    const now = this.#clock.monotonic();
    const recent = (this.#taken.get(uid) ?? []).filter((at) => now - at < WITHIN_MS);
    if (recent.length >= MOST)
      throw new Failure('resource-exhausted', 'LIMIT_REACHED', `uid ${uid} was denied ${MOST} tasks within a minute`, {
        field: 'uid',
        value: String(uid),
        hint: 'wait, and ask for what is allowed: assay why',
      });
    this.#taken.set(uid, [...recent, now]);
    for (const [one, times] of this.#taken) if (now - (times.at(-1) ?? 0) >= WITHIN_MS) this.#taken.delete(one);
  }
}
