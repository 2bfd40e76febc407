// SPDX-License-Identifier: Apache-2.0
/**
 * Changes that a plugin tells of, passed on at most every so often: the first at once, those that follow together. A
 * plugin that tells without end makes callers be looked at again, and not more often than this.
 */
import type { Clock, Timer } from '../attestation/plugin.ts';
import { PLUGIN_BOUNDS } from './bounds.ts';

export class PacedChanges {
  readonly #listener: (ground?: string) => void;
  readonly #clock: Clock;
  readonly #waiting = new Set<string>();
  #all = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(listener: (ground?: string) => void, clock: Clock) {
    this.#listener = listener;
    this.#clock = clock;
  }

  /** Undefined: everything may have changed. */
  add(ground: unknown): void {
    if (this.#closed) return;
    const known = typeof ground === 'string' && Buffer.byteLength(ground) <= PLUGIN_BOUNDS.textBytes;
    // What cannot be understood, and what is too much, is a change all the same: of everything.
    if (known && this.#waiting.size < PLUGIN_BOUNDS.changes) this.#waiting.add(ground);
    else this.#all = true;
    // guard: I9 test/plugins/third-party.test.ts
    if (this.#timer !== undefined) return;
    this.#tell();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #tell(): void {
    const [all, grounds] = [this.#all, [...this.#waiting]];
    this.#all = false;
    this.#waiting.clear();
    this.#timer = this.#clock.after(PLUGIN_BOUNDS.changesEveryMs, () => {
      this.#timer = undefined;
      if (this.#all || this.#waiting.size > 0) this.#tell();
    });
    if (all) this.#listener();
    else for (const ground of grounds) this.#listener(ground);
  }
}
