// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 7,
  name: 'identities: who stands in for the owner, and when they are reviewed',
  sql: `
ALTER TABLE identity ADD COLUMN deputy TEXT;
ALTER TABLE identity ADD COLUMN review_by INTEGER;
`,
};
