// SPDX-License-Identifier: Apache-2.0
import { Failure } from '../lib/failure.ts';

/** A write that finds its row changed this often in a row has met a disagreement, not a race. */
const ATTEMPTS = 8;

/** Decides and writes again when somebody else's write came first (REVISION_CONFLICT). */
export async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      const raced = error instanceof Failure && error.reason === 'REVISION_CONFLICT';
      if (!raced || left === 0) throw error;
    }
  }
}
