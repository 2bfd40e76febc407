// SPDX-License-Identifier: Apache-2.0
/** What a reader of an issuance row must know of how sure it was. */
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant } from '../registry/match.ts';
import type { IssuanceSettings } from './rooms.ts';

export function marksOf(process: ProcessHandle, grant: Grant, { ownUid }: Pick<IssuanceSettings, 'ownUid'>): string[] {
  const marks: string[] = [];
  if (process.weak) marks.push('weak_peer');
  if (grant.claimedOnly) marks.push('claimed_selectors');
  if (process.uid === ownUid) marks.push('same_uid');
  return marks;
}
