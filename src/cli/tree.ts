// SPDX-License-Identifier: Apache-2.0
/** All commands, each declared and none loaded. */
import type { Io } from './io.ts';
import { createProgram, type Program } from './program.ts';
import { addApprovalCommands } from './tree-approval.ts';
import { addAuditCommands, addBackupCommands } from './tree-audit.ts';
import { addCareCommands, addExecCommand, addRunCommand, addWorkloadCommands } from './tree-daemon.ts';
import { addEntryCommands } from './tree-entry.ts';
import { addEvidenceCommands } from './tree-evidence.ts';
import { addFederationCommands } from './tree-federation.ts';
import { addFindingCommands } from './tree-finding.ts';
import { addGrantCommands } from './tree-grant.ts';
import { addHelperCommand } from './tree-helper.ts';
import { addIdentityCommands } from './tree-identity.ts';
import { addPeopleCommands } from './tree-people.ts';
import { addPolicyCommands } from './tree-policy.ts';
import { addAuthorityCommands, addBundleCommands, addSvidCommands } from './tree-registry.ts';
import { addTargetCommands } from './tree-target.ts';
import { addTaskCommands } from './tree-task.ts';

export function buildTree(io: Io, version: string): Program {
  const program = createProgram(io, version);
  addRunCommand(program);
  addExecCommand(program);
  addEntryCommands(program);
  addIdentityCommands(program);
  addPeopleCommands(program);
  addSvidCommands(program);
  addBundleCommands(program);
  addFederationCommands(program);
  addAuthorityCommands(program);
  addWorkloadCommands(program);
  addHelperCommand(program);
  addTargetCommands(program);
  addPolicyCommands(program);
  addTaskCommands(program);
  addGrantCommands(program);
  addApprovalCommands(program);
  addEvidenceCommands(program);
  addFindingCommands(program);
  addAuditCommands(program);
  addBackupCommands(program);
  addCareCommands(program);
  return program;
}
