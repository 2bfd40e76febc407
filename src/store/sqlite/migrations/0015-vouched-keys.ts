// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** NULL where nobody vouched: so are the rows, and the events, of keys from before. */
export const step: Migration = {
  number: 15,
  name: 'people: keys that somebody vouched for',
  sql: `
ALTER TABLE human_key ADD COLUMN highest INTEGER CHECK (highest BETWEEN 2 AND 3);
ALTER TABLE human_key ADD COLUMN vouched_at INTEGER CHECK ((vouched_at IS NULL) = (highest IS NULL));
ALTER TABLE human_key ADD COLUMN vouch_statement TEXT CHECK (vouch_statement IS NULL OR highest IS NOT NULL);
ALTER TABLE human_key ADD COLUMN vouch_signature TEXT CHECK ((vouch_signature IS NULL) = (vouch_statement IS NULL));
`,
};
