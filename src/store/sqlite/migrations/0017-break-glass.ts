// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** NULL for a grant that is none. */
export const step: Migration = {
  number: 17,
  name: 'grants: break-glass',
  sql: `
ALTER TABLE grant ADD COLUMN break_glass INTEGER CHECK (break_glass = 1);

CREATE TRIGGER grant_break_glass BEFORE UPDATE OF break_glass ON grant WHEN NEW.break_glass IS NOT OLD.break_glass
  BEGIN SELECT raise(ABORT, 'what was asked for is never changed'); END;
`,
};
