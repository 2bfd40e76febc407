// SPDX-License-Identifier: Apache-2.0
/** What grants ask of other rooms, stated where it is needed. */
import type { Approvals } from '../approvals/approvals.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import type { AgentOwners } from '../approvals/uid-relation.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { PolicyDecision } from '../policy/contract.ts';
import type { GrantRecord, GrantStore } from '../store/grants.ts';
import type { Change, IdentityRecord } from '../store/records.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { GrantTerms } from './asked.ts';

export interface GrantRooms {
  readonly store: GrantStore;
  readonly changes: { onChanges(listener: (changes: readonly Change[]) => void): () => void };
  readonly approvals: Pick<Approvals, 'open' | 'state' | 'onDecided' | 'withdraw'>;
  readonly registry: { identity(spiffeId: string): IdentityRecord | undefined };
  /** What policy would say of a task as this lets one begin, at its best, before anybody approved. */
  foresee(terms: GrantTerms, identity: IdentityRecord): PolicyDecision;
  /** What people are shown, and as whom the identity's processes are started as far as its entries say. */
  ask(
    grant: Omit<GrantRecord, 'digest'>,
    identity: IdentityRecord,
    need: PolicyDecision & { readonly outcome: 'approve' },
    human: string | null,
  ): { readonly request: ApprovalRequest; readonly agent: AgentOwners };
  /** The emergency begins: somebody has to look at it afterwards. Of one grant it may be told more than once. */
  glassBroken(grant: GrantRecord, by: string): Promise<void>;
  ownersOf(process: ProcessHandle): AgentOwners;
  readonly settings: { readonly defaultTtlMs: number; readonly mostTtlMs: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}
