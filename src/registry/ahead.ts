// SPDX-License-Identifier: Apache-2.0
/** What time will bring active identities: their end or their review, whichever comes first, and how soon. */
import type { IdentityRecord } from '../store/records.ts';
import { nextTurn } from './all-pages.ts';
import type { RegistryIndex } from './registry-index.ts';

/** Looked at between two turns of the event loop: well below a millisecond. */
const SLOTS_A_TURN = 10_000;

export interface Announced {
  /** As it is when asked. */
  readonly identity: () => IdentityRecord;
  /** The least of the spans within which it comes. */
  readonly withinMs: number;
}

export class Ahead {
  readonly #index: Pick<RegistryIndex, 'eachAhead' | 'identityAt'>;

  constructor(index: Pick<RegistryIndex, 'eachAhead' | 'identityAt'>) {
    this.#index = index;
  }

  /** For how many it comes within each of `spans`, in ms, the longest first. */
  async counts(now: number, spans: readonly number[]): Promise<readonly number[]> {
    const counts = spans.map(() => 0);
    await this.#each(now, spans, (_, at) => {
      counts[at] = (counts[at] as number) + 1;
    });
    // Whatever comes within a short span comes within a longer one.
    for (let at = spans.length - 2; at >= 0; at -= 1) counts[at] = (counts[at] as number) + (counts[at + 1] as number);
    return counts;
  }

  /**
   * Those that have come within one of `spans` after `since`, the first `most`, and how many more there are. Nothing is
   * remembered of an identity: which threshold it has passed, and when, follows from its times.
   */
  async passed(
    since: number,
    now: number,
    spans: readonly number[],
    most: number,
  ): Promise<{ readonly announced: readonly Announced[]; readonly more: number }> {
    const announced: Announced[] = [];
    let more = 0;
    await this.#each(now, spans, (dueAt, at, slot) => {
      const withinMs = spans[at] as number;
      if (dueAt - withinMs <= since) return;
      if (announced.length < most) announced.push({ identity: () => this.#index.identityAt(slot), withinMs });
      else more += 1;
    });
    return { announced, more };
  }

  /** Visits each of those that come within the first of `spans`, with the last within which it comes. */
  async #each(
    now: number,
    spans: readonly number[],
    visit: (dueAt: number, span: number, slot: number) => void,
  ): Promise<void> {
    const withinMs = spans[0] ?? 0;
    for (let from: number | undefined = 0; from !== undefined; ) {
      if (from > 0) await nextTurn();
      from = this.#index.eachAhead({ now, withinMs, from, many: SLOTS_A_TURN }, (dueAt, slot) => {
        let at = spans.length - 1;
        while (at > 0 && dueAt - now > (spans[at] as number)) at -= 1;
        visit(dueAt, at, slot);
      });
    }
  }
}
