// SPDX-License-Identifier: Apache-2.0
import type { Listed, Page } from '../store/store.ts';

/** All rows of a list. It may look at a million; between pages the event loop gets its turns. */
export async function* allPages<Row>(list: (page: Page) => Listed<Row>): AsyncGenerator<Row> {
  for (let after: string | undefined; ; ) {
    const { rows, next } = list({ limit: 1000, ...(after === undefined ? {} : { after }) });
    yield* rows;
    if (next === undefined) return;
    after = next;
    await nextTurn();
  }
}

/** Lets the event loop do what has come in. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
