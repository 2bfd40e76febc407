// SPDX-License-Identifier: Apache-2.0
/** What an attestation says, as far as a test cares. */
import type { Attested } from '../../src/attestation/attested.ts';
import type { Strength } from '../../src/identity/strength.ts';

export function seen(selectors: Iterable<readonly [string, Strength]>, rest: Partial<Attested> = {}): Attested {
  return {
    selectors: new Map(selectors),
    facts: {},
    notes: [],
    at: Date.now(),
    restsOn: [],
    goodUntil: undefined,
    ...rest,
  };
}

/** For attestations that rest on nothing but the process. */
export const unchanging = { onChange: () => () => undefined, restedOn: () => undefined };
