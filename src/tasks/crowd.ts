// SPDX-License-Identifier: Apache-2.0
/** How many tasks are open, and beginning, of one uid, or of one subuid owner, and in all (I9). */
import { limit } from './refusals.ts';

export class Crowd {
  readonly #most: { readonly perUid: number; readonly total: number };
  readonly #byOwner = new Map<number, number>();
  #all = 0;

  constructor(most: { readonly perUid: number; readonly total: number }) {
    this.#most = most;
  }

  /** Takes a place, from the moment somebody asks for it. Returns what gives it back, once. Throws Failure('resource-exhausted'). */
  enter(owner: number): () => void {
    const { perUid, total } = this.#most;
    const own = this.#byOwner.get(owner) ?? 0;
    // guard: I9 test/tasks/tasks.test.ts
    if (own >= perUid) throw limit('limits.tasks_per_uid', perUid);
    // guard: I9 test/tasks/tasks.test.ts
    if (this.#all >= total) throw limit('limits.tasks', total);
    this.#byOwner.set(owner, own + 1);
    this.#all += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#all -= 1;
      const rest = (this.#byOwner.get(owner) ?? 1) - 1;
      if (rest === 0) this.#byOwner.delete(owner);
      else this.#byOwner.set(owner, rest);
    };
  }
}
