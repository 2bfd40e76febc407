// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps `assay clock accept` in the store. Meta values are written once, so each acceptance of the same latest time
 * has a number of its own and the last one counts.
 */
import type { MetaStore } from '../store/store.ts';
import type { ClockAcceptances } from './clock-guard.ts';

export function storedAcceptances(store: Pick<MetaStore, 'getMeta' | 'setMetaOnce'>): ClockAcceptances {
  const all = (latest: number): string[] => {
    const found: string[] = [];
    for (;;) {
      const value = store.getMeta(keyOf(latest, found.length));
      if (value === undefined) return found;
      found.push(value);
    }
  };
  return {
    accepted(latest) {
      const last = all(latest).at(-1);
      return last === undefined ? undefined : Number(last);
    },
    async accept(latest, now) {
      await store.setMetaOnce(keyOf(latest, all(latest).length), String(now));
    },
  };
}

function keyOf(latest: number, number: number): string {
  return `clock_accepted.${latest}.${number}`;
}
