// SPDX-License-Identifier: Apache-2.0
/** What is allowed but may surprise, in sentences for the operator. */
import { quote } from '../lib/failure.ts';
import type { EntryRecord, IdentityRecord } from '../store/records.ts';
import { unknownKinds } from './entry-fields.ts';
import type { RegistryIndex } from './registry-index.ts';
import type { EntryRules } from './rules.ts';

export function warningsFor(
  entry: EntryRecord,
  identity: IdentityRecord,
  index: RegistryIndex,
  rules: EntryRules,
  hasBundle: (trustDomain: string) => boolean,
): string[] {
  const warnings: string[] = [];
  const taken = index.hintHolder(entry.hint, entry.spiffeId);
  if (taken !== undefined) {
    warnings.push(
      `the hint ${quote(entry.hint)} is also on entry ${taken.id} of ${taken.spiffeId}; a caller who matches both gets it from the older entry only`,
    );
  }
  if (entry.claimedAccepted) {
    warnings.push('its selectors are only claimed: any program of the same user can take this identity');
  }
  const unknown = unknownKinds(entry.selectors, rules);
  if (unknown.length > 0)
    warnings.push(`no attestor that runs here gives ${unknown.join(', ')}, so it matches nobody yet`);
  if (entry.parentId !== rules.nodeId) {
    warnings.push(`its parent is not this daemon (${rules.nodeId}), so it matches nobody here`);
  }
  for (const trustDomain of entry.federatesWith) {
    if (!hasBundle(trustDomain)) warnings.push(`no bundle of trust domain ${trustDomain} is set yet: assay bundle set`);
  }
  if (identity.kind === 'agent') {
    warnings.push('an identity of kind agent is issued for a task only; a plain fetch is refused with TASK_REQUIRED');
  }
  if (identity.state !== 'active') warnings.push(`identity ${identity.spiffeId} is ${identity.state}`);
  return warnings;
}
