// SPDX-License-Identifier: Apache-2.0
/**
 * The first bundle of an `https_spiffe` endpoint that serves itself: without it nothing could prove the first answer (SPIFFE
 * Federation section 6.2: FED-17). From the first fetch on, the stored one counts.
 */
import { Failure } from '../lib/failure.ts';
import type { BundleContent } from '../store/records.ts';
import { isSelfServing, type Relationship } from './relationship.ts';

export interface InitialBundle {
  readonly format: 'pem' | 'spiffe';
  readonly text: string;
}

export class InitialBundles {
  readonly #read: (format: 'pem' | 'spiffe', text: string) => BundleContent;

  constructor(read: (format: 'pem' | 'spiffe', text: string) => BundleContent) {
    this.#read = read;
  }

  /** An administrator's replaces what is stored; without one, something has to be stored. */
  forNew(to: Relationship, given: InitialBundle | undefined, isStored: boolean): BundleContent | undefined {
    if (given !== undefined) {
      // guard: FED-17 test/federation/federation.test.ts — it would look as if it proved something
      if (!isSelfServing(to))
        throw invalid('is for an https_spiffe endpoint of the very trust domain', 'set it by itself: assay bundle set');
      return this.#read(given.format, given.text);
    }
    // guard: FED-17 test/federation/federation.test.ts
    if (isSelfServing(to) && !isStored)
      throw invalid(
        'is missing: the endpoint proves itself by the bundle it serves, so the first has to be given',
        'ask the other side for it: assay bundle show --format spiffe',
      );
    return undefined;
  }

  /** That of the configuration is the first one, and never replaces what was fetched since. */
  async forConfigured(
    to: Relationship,
    readText: (() => Promise<string>) | undefined,
    isStored: boolean,
  ): Promise<BundleContent | undefined> {
    // guard: FED-17 test/federation/configured.test.ts
    if (isStored) return undefined;
    if (readText === undefined || !isSelfServing(to)) return undefined;
    const text = await readText();
    return this.#read(/^\s*\{/.test(text) ? 'spiffe' : 'pem', text);
  }
}

function invalid(why: string, hint: string): Failure {
  return new Failure('invalid-argument', 'FEDERATION_INVALID', `bundle ${why}`, { field: 'bundle', hint });
}
