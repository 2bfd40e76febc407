// SPDX-License-Identifier: Apache-2.0
/**
 * How long to wait before the next attempt, as pure state: one second more with each failure up to 30, spread by a
 * fifth to either side so that the clients of one daemon do not return in step; a message starts it over (CLI-17).
 */
import type { Random } from '../lib/random.ts';

const STEP_MS = 1_000;
const MOST_MS = 30_000;
const SPREAD = 0.2;

export class Backoff {
  readonly #random: Random;
  #failures = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A message arrived: the other side is well. */
  reset(): void {
    this.#failures = 0;
  }

  /** The wait before the next attempt, in milliseconds, 0.8 to 30 s. */
  next(): number {
    this.#failures += 1;
    const base = Math.min(STEP_MS * this.#failures, MOST_MS);
    return Math.min(base * (1 - SPREAD + 2 * SPREAD * this.#random.fraction()), MOST_MS);
  }

  /** After a stream that had brought a message: return at once (WAPI-38), spread over a tenth of a second. */
  soon(): number {
    return this.#random.fraction() * 100;
  }
}
