// SPDX-License-Identifier: Apache-2.0
/**
 * The numbered steps that make the database what it is. A step that has been released is never edited: a change is a
 * new step. `docs/data.md` describes the tables as they stand after the last one.
 */
import { step as step1 } from './migrations/0001-first.ts';
import { step as step2 } from './migrations/0002-jwt.ts';
import { step as step3 } from './migrations/0003-federation.ts';
import { step as step4 } from './migrations/0004-taint.ts';
import { step as step5 } from './migrations/0005-log.ts';
import { step as step6 } from './migrations/0006-revocation.ts';
import { step as step7 } from './migrations/0007-lifecycle.ts';
import { step as step8 } from './migrations/0008-people.ts';
import { step as step9 } from './migrations/0009-findings.ts';
import { step as step10 } from './migrations/0010-policy.ts';
import { step as step11 } from './migrations/0011-tasks.ts';
import { step as step12 } from './migrations/0012-approvals.ts';
import { step as step13 } from './migrations/0013-task-events.ts';
import { step as step14 } from './migrations/0014-grants.ts';
import { step as step15 } from './migrations/0015-vouched-keys.ts';
import { step as step16 } from './migrations/0016-irrevocable-intents.ts';
import { step as step17 } from './migrations/0017-break-glass.ts';
import { step as step18 } from './migrations/0018-taken-back.ts';
import type { Migration } from './migrations/migration.ts';

export const migrations: readonly Migration[] = [
  step1,
  step2,
  step3,
  step4,
  step5,
  step6,
  step7,
  step8,
  step9,
  step10,
  step11,
  step12,
  step13,
  step14,
  step15,
  step16,
  step17,
  step18,
];
