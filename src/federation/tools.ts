// SPDX-License-Identifier: Apache-2.0
/** What the federation room is handed, stated where it is needed. */
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { Actor, BundleContent, BundleRecord } from '../store/records.ts';
import type { FederationStore } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BundlePoll } from './bundle-poll.ts';
import type { InitialBundles } from './initial-bundle.ts';
import type { PollRules } from './schedule.ts';

/** Where foreign bundles lie; whatever is put there reaches open streams. */
export interface BundleShelf {
  get(trustDomain: string): BundleRecord | undefined;
  /** Has handed it to the store when it returns its promise, so that nothing comes in between. */
  put(trustDomain: string, content: BundleContent, giver: Actor | 'federation' | 'config'): Promise<unknown>;
}

export interface FederationTools {
  readonly own: TrustDomain;
  readonly store: FederationStore;
  readonly bundles: BundleShelf;
  readonly bundlePoll: BundlePoll;
  readonly initialBundles: InitialBundles;
  /** Relationships at most. */
  readonly most: number;
  readonly rules: PollRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}
