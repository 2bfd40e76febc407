// SPDX-License-Identifier: Apache-2.0
/** What may be listed, in which order, and each filter as SQL. */
import type { ApprovalFilter, ApprovalRecord } from '../approvals.ts';
import type { FindingFilter, FindingRecord } from '../findings.ts';
import type { GrantFilter, GrantRecord } from '../grants.ts';
import type { PolicySetRecord } from '../policies.ts';
import type { EntryRecord, IdentityRecord, IssuanceRecord } from '../records.ts';
import type { EntryFilter, IdentityFilter, IssuanceFilter } from '../store.ts';
import type { TaskFilter, TaskRecord } from '../tasks.ts';
import { APPROVAL_COLUMNS, approvalOf } from './approval-rows.ts';
import { FINDING_COLUMNS, findingOf } from './finding-rows.ts';
import { GRANT_COLUMNS, grantOf } from './grant-rows.ts';
import { Conditions, type Listing, type Where } from './listing.ts';
import { POLICY_COLUMNS, policySetOf } from './policy-rows.ts';
import {
  ENTRY_READ_COLUMNS,
  entryOf,
  IDENTITY_COLUMNS,
  ISSUANCE_READ_COLUMNS,
  identityOf,
  issuanceOf,
} from './rows.ts';
import { TASK_COLUMNS, taskOf } from './task-rows.ts';

export const ENTRIES: Listing<EntryRecord> = {
  columns: ENTRY_READ_COLUMNS,
  from: 'entry t JOIN identity i ON i.no = t.identity_no',
  key: ['created_at', 'id'],
  descending: false,
  row: entryOf,
  keyOf: (entry) => [entry.createdAt, entry.id],
};

export const IDENTITIES: Listing<IdentityRecord> = {
  columns: IDENTITY_COLUMNS,
  from: 'identity t',
  key: ['spiffe_id'],
  descending: false,
  row: identityOf,
  keyOf: (identity) => [identity.spiffeId],
};

export const ISSUANCES: Listing<IssuanceRecord> = {
  columns: ISSUANCE_READ_COLUMNS,
  from: 'issuance t JOIN identity i ON i.no = t.identity_no',
  key: ['seq'],
  descending: true,
  row: issuanceOf,
  keyOf: (issuance) => [issuance.seq],
};

export const FINDINGS: Listing<FindingRecord> = {
  columns: FINDING_COLUMNS,
  from: 'finding t',
  key: ['id'],
  descending: true,
  row: findingOf,
  keyOf: (finding) => [finding.id],
};

/** By hash. */
export const POLICY_SETS: Listing<PolicySetRecord> = {
  columns: POLICY_COLUMNS,
  from: 'policy_set t',
  key: ['hash'],
  descending: false,
  row: policySetOf,
  keyOf: (set) => [set.hash],
};

export function findingWhere(filter: FindingFilter): Where {
  const scope = new Conditions();
  const rest = new Conditions();
  scope.when(filter.identity, 't.identity = ?');
  rest.when(filter.detector, 't.detector = ?');
  if (filter.open === true) rest.when(1, '(t.closed_at IS NULL) = ?');
  return { scope, filter: rest };
}

export const APPROVALS: Listing<ApprovalRecord> = {
  columns: APPROVAL_COLUMNS,
  from: 'approval_request t',
  key: ['id'],
  descending: true,
  row: approvalOf,
  keyOf: (approval) => [approval.id],
};

export function approvalWhere(filter: ApprovalFilter): Where {
  const rest = new Conditions();
  rest.when(filter.identity, 't.identity = ?');
  rest.when(filter.state, 't.state = ?');
  return { scope: new Conditions(), filter: rest };
}

export const TASKS: Listing<TaskRecord> = {
  columns: TASK_COLUMNS,
  from: 'task t',
  key: ['id'],
  descending: true,
  row: taskOf,
  keyOf: (task) => [task.id],
};

export function taskWhere(filter: TaskFilter): Where {
  const scope = new Conditions();
  const rest = new Conditions();
  scope.when(filter.parent, 't.parent = ?');
  rest.when(filter.identity, 't.identity = ?');
  rest.when(filter.state, 't.state = ?');
  return { scope, filter: rest };
}

export const GRANTS: Listing<GrantRecord> = {
  columns: GRANT_COLUMNS,
  from: 'grant t',
  key: ['id'],
  descending: true,
  row: grantOf,
  keyOf: (grant) => [grant.id],
};

export function grantWhere(filter: GrantFilter): Where {
  const rest = new Conditions();
  rest.when(filter.identity, 't.identity = ?');
  rest.when(filter.state, 't.state = ?');
  return { scope: new Conditions(), filter: rest };
}

/** `isRare`: few enough entries have the selector to look at each. */
export function entryWhere(filter: EntryFilter, isRare: (selector: string) => boolean): Where {
  const { selectors = [] } = filter;
  const scope = new Conditions();
  const rest = new Conditions();
  scope.when(filter.spiffeId, 't.identity_no = (SELECT no FROM identity WHERE spiffe_id = ?)');
  const rare = filter.spiffeId === undefined ? selectors.find(isRare) : undefined;
  scope.when(rare, 't.no IN (SELECT entry_no FROM entry_selector WHERE selector = ?)');
  rest.when(filter.spiffeIdPrefix, 'instr(i.spiffe_id, ?) = 1');
  rest.when(filter.parentId, 't.parent_id = ?');
  rest.when(filter.federatesWith, `instr(' ' || t.federates_with || ' ', ' ' || ? || ' ') > 0`);
  rest.when(filter.hint, 't.hint = ?');
  for (const selector of selectors) {
    rest.when(selector, 'EXISTS (SELECT 1 FROM entry_selector s WHERE s.entry_no = t.no AND s.selector = ?)');
  }
  return { scope, filter: rest };
}

export function identityWhere(filter: IdentityFilter): Where {
  const rest = new Conditions();
  rest.when(filter.spiffeIdPrefix, 'instr(t.spiffe_id, ?) = 1');
  rest.when(filter.state, 't.state = ?');
  rest.when(filter.kind, 't.kind = ?');
  rest.when(filter.owner, 't.owner = ?');
  rest.when(
    filter.expiresBefore,
    "t.state <> 'retired' AND min(t.expires_at, coalesce(t.review_by, t.expires_at)) < ?",
  );
  return { scope: new Conditions(), filter: rest };
}

export function issuanceWhere(filter: IssuanceFilter): Where {
  const scope = new Conditions();
  const rest = new Conditions();
  scope.when(filter.spiffeId, 't.identity_no = (SELECT no FROM identity WHERE spiffe_id = ?)');
  rest.when(filter.activeAt, 't.revoked_at IS NULL AND t.not_before <= ?');
  rest.when(filter.activeAt, 't.not_after > ?');
  rest.when(filter.entryId, 't.entry_id = ?');
  if (filter.revoked === true) rest.when(0, 't.revoked_at > ?');
  return { scope, filter: rest };
}
