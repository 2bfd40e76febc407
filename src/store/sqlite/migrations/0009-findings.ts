// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** `seen_binary` is what new programs are told by; it says nothing that the issuances do not, and may be emptied. */
export const step: Migration = {
  number: 9,
  name: 'findings, and the programs that identities were given to',
  sql: `
CREATE TABLE finding (
  id           INTEGER PRIMARY KEY,
  detector     TEXT NOT NULL,
  identity     TEXT NOT NULL,
  task         TEXT,
  evidence_key BLOB NOT NULL CHECK (length(evidence_key) = 32),
  evidence     TEXT NOT NULL,
  opened_at    INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  count        INTEGER NOT NULL CHECK (count >= 1),
  closed_at    INTEGER,
  closed_by    TEXT,
  resolution   TEXT,
  CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (resolution IS NULL))
) STRICT;

CREATE UNIQUE INDEX finding_open ON finding (detector, identity, evidence_key) WHERE closed_at IS NULL;
CREATE INDEX finding_identity ON finding (identity, id);

CREATE TRIGGER finding_kept BEFORE DELETE ON finding BEGIN SELECT raise(ABORT, 'a finding is kept for good'); END;
CREATE TRIGGER finding_closed BEFORE UPDATE ON finding WHEN OLD.closed_at IS NOT NULL
  BEGIN SELECT raise(ABORT, 'a finding that is closed is never changed'); END;

CREATE TABLE seen_binary (
  identity TEXT NOT NULL,
  binary   TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  PRIMARY KEY (identity, binary)
) STRICT, WITHOUT ROWID;
`,
};
