// SPDX-License-Identifier: Apache-2.0
/** Finds the open streams that a change touches, by whatever it names. */
import type { Touchable } from './standing.ts';

export function smallest(sets: readonly ReadonlySet<Touchable>[]): ReadonlySet<Touchable> {
  return sets.reduce((fewest, set) => (set.size < fewest.size ? set : fewest));
}

/** A key to a few standings; an empty set is not kept. */
export class Index {
  static readonly #none: ReadonlySet<Touchable> = new Set();
  readonly #sets = new Map<string, Set<Touchable>>();
  readonly #onUse: ((key: string, used: boolean) => void) | undefined;

  /** `onUse` hears when a key has its first standing, and when it has none any more. */
  constructor(onUse?: (key: string, used: boolean) => void) {
    this.#onUse = onUse;
  }

  get(key: string): ReadonlySet<Touchable> {
    return this.#sets.get(key) ?? Index.#none;
  }

  keys(): readonly string[] {
    return [...this.#sets.keys()];
  }

  add(key: string, standing: Touchable): void {
    const set = this.#sets.get(key);
    if (set !== undefined) {
      set.add(standing);
      return;
    }
    this.#sets.set(key, new Set([standing]));
    this.#onUse?.(key, true);
  }

  remove(key: string, standing: Touchable): void {
    const set = this.#sets.get(key);
    if (set?.delete(standing) !== true || set.size > 0) return;
    this.#sets.delete(key);
    this.#onUse?.(key, false);
  }

  move(standing: Touchable, before: readonly string[], after: readonly string[]): readonly string[] {
    const [had, has] = [new Set(before), new Set(after)];
    for (const key of has) if (!had.has(key)) this.add(key, standing);
    for (const key of had) if (!has.has(key)) this.remove(key, standing);
    return after;
  }
}
