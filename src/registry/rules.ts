// SPDX-License-Identifier: Apache-2.0
/** What the registry's rules are measured against; handed in, since config may change it. */
import type { Limits } from '../config/config.ts';
import type { Strength } from '../identity/strength.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';

export interface RegistryRules {
  /** `ca.ttl` as it is now (I5). */
  caTtlMs(): number;
  /** `lifecycle.grace` */
  readonly graceMs: number;
  /** Attestor -> kind -> strength, of the attestors that run (attack A1). */
  kinds(): ReadonlyMap<string, ReadonlyMap<string, Strength>>;
  /** Kinds, as `type:kind`, that attestors give only while an entry names one. */
  readonly onDemand?: readonly string[];
}

export interface EntryRules extends RegistryRules {
  readonly trustDomain: TrustDomain;
  readonly nodeId: string;
  readonly limits: Limits;
}
