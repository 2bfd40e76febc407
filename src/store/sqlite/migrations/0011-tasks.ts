// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** `identity` is the name, not the number: a task says whose it was, also to whoever reads the table alone. */
export const step: Migration = {
  number: 11,
  name: 'tasks: leases on an identity',
  sql: `
CREATE TABLE task (
  id          TEXT PRIMARY KEY,
  identity    TEXT NOT NULL REFERENCES identity (spiffe_id),
  parent      TEXT REFERENCES task (id),
  root        TEXT NOT NULL,
  depth       INTEGER NOT NULL CHECK (depth >= 0),
  purpose     TEXT NOT NULL CHECK (purpose <> ''),
  intents     TEXT NOT NULL,
  deadline    INTEGER NOT NULL,
  pid         INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  gid         INTEGER NOT NULL,
  start_time  TEXT NOT NULL,
  attested    TEXT NOT NULL,
  digest      TEXT NOT NULL CHECK (length(digest) = 64),
  policy_hash TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('pending', 'active', 'ended', 'denied')),
  state_since INTEGER NOT NULL,
  end         TEXT,
  end_reason  TEXT,
  created_at  INTEGER NOT NULL,
  revision    INTEGER NOT NULL,
  CHECK ((state IN ('ended', 'denied')) = (end IS NOT NULL)),
  CHECK ((parent IS NULL) = (depth = 0)),
  CHECK (deadline > created_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX task_live ON task (identity) WHERE state IN ('pending', 'active');
CREATE INDEX task_parent ON task (parent) WHERE parent IS NOT NULL;

CREATE TRIGGER task_kept BEFORE DELETE ON task BEGIN SELECT raise(ABORT, 'a task is kept for good'); END;
CREATE TRIGGER task_over BEFORE UPDATE ON task WHEN OLD.state IN ('ended', 'denied')
  BEGIN SELECT raise(ABORT, 'a task that is over is never changed'); END;
CREATE TRIGGER task_back BEFORE UPDATE ON task WHEN OLD.state = 'active' AND NEW.state = 'pending'
  BEGIN SELECT raise(ABORT, 'a task that began does not wait again'); END;

ALTER TABLE issuance ADD COLUMN task TEXT REFERENCES task (id);
CREATE INDEX issuance_task ON issuance (task) WHERE task IS NOT NULL;
`,
};
