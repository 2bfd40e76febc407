// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** So that the evidence of a task is read without a walk over the whole log. */
export const step: Migration = {
  number: 13,
  name: 'the log: events of a task',
  sql: `
CREATE INDEX event_task ON event (task, seq) WHERE task IS NOT NULL;
`,
};
