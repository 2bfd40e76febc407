// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 8,
  name: 'people: who answers for identities, and their keys',
  sql: `
CREATE TABLE human (
  name        TEXT PRIMARY KEY,
  email       TEXT,
  uids        TEXT NOT NULL,
  teams       TEXT NOT NULL,
  active      INTEGER NOT NULL,
  left_reason TEXT,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  revision    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE human_key (
  fingerprint TEXT PRIMARY KEY,
  human       TEXT NOT NULL REFERENCES human (name),
  type        TEXT NOT NULL,
  blob        TEXT NOT NULL,
  added_at    INTEGER NOT NULL,
  added_by    TEXT NOT NULL,
  removed_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX human_key_of ON human_key (human);
CREATE INDEX identity_owner ON identity (owner, state);
`,
};
