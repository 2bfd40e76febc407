// SPDX-License-Identifier: Apache-2.0
/**
 * What becomes of a bundle that was fetched, by the sequence of the one that is stored (SPIFFE Trust Domain and Bundle section
 * 4.1.1: FED-22). A lower one is an old copy, by a slow replica or by somebody who wants keys back that were taken out.
 */
export interface Stored {
  readonly sequence: bigint | null;
  /** False for one that an operator set by hand: it holds until the next refresh, whatever number it bears (FED-23). */
  readonly isFetched: boolean;
  readonly isSame: boolean;
}

export type Verdict =
  | { readonly kind: 'take' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'ignore'; readonly reason: string };

export function judgeFetched(stored: Stored | undefined, sequence: bigint | null): Verdict {
  if (stored === undefined || !stored.isFetched) return { kind: 'take' };
  // Without numbers there is no order: the newest fetch wins.
  if (stored.sequence === null || sequence === null) return { kind: stored.isSame ? 'unchanged' : 'take' };
  // guard: FED-22 test/federation/verdict.test.ts
  if (sequence < stored.sequence) {
    return { kind: 'ignore', reason: `its sequence ${sequence} is lower than ${stored.sequence}, which is stored` };
  }
  if (sequence > stored.sequence) return { kind: 'take' };
  if (stored.isSame) return { kind: 'unchanged' };
  return { kind: 'ignore', reason: `it has the sequence ${sequence} of the stored one, and other content` };
}
