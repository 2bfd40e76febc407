// SPDX-License-Identifier: Apache-2.0
/** How many tasks are open, and beginning, of one uid and in all (I9). */
import { limit } from './refusals.ts';

export class Crowd {
  readonly #most: { readonly perUid: number; readonly total: number };
  readonly #byUid = new Map<number, number>();
  #all = 0;

  constructor(most: { readonly perUid: number; readonly total: number }) {
    this.#most = most;
  }

  /** Takes a place, from the moment somebody asks for it. Returns what gives it back, once. Throws Failure('resource-exhausted'). */
  enter(uid: number): () => void {
    const { perUid, total } = this.#most;
    const own = this.#byUid.get(uid) ?? 0;
    // guard: I9 test/tasks/tasks.test.ts
    if (own >= perUid) throw limit('limits.tasks_per_uid', perUid);
    // guard: I9 test/tasks/tasks.test.ts
    if (this.#all >= total) throw limit('limits.tasks', total);
    this.#byUid.set(uid, own + 1);
    this.#all += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#all -= 1;
      const rest = (this.#byUid.get(uid) ?? 1) - 1;
      if (rest === 0) this.#byUid.delete(uid);
      else this.#byUid.set(uid, rest);
    };
  }
}
