// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** What was asked for is never changed; only how it stands and how often it was used. */
export const step: Migration = {
  number: 14,
  name: 'grants: windows in which tasks are begun without asking again',
  sql: `
CREATE TABLE grant (
  id           TEXT PRIMARY KEY,
  identity     TEXT NOT NULL REFERENCES identity (spiffe_id),
  intents      TEXT NOT NULL,
  purpose      TEXT NOT NULL CHECK (purpose <> ''),
  window_from  INTEGER NOT NULL,
  window_to    INTEGER NOT NULL,
  max_task_ttl INTEGER NOT NULL CHECK (max_task_ttl > 0),
  max_tasks    INTEGER NOT NULL CHECK (max_tasks >= 1),
  used         INTEGER NOT NULL CHECK (used BETWEEN 0 AND max_tasks),
  requested_by TEXT NOT NULL,
  digest       TEXT NOT NULL CHECK (length(digest) = 71),
  state        TEXT NOT NULL CHECK (state IN ('requested', 'pending', 'active', 'exhausted', 'expired', 'revoked', 'denied')),
  state_since  INTEGER NOT NULL,
  state_reason TEXT,
  created_at   INTEGER NOT NULL,
  revision     INTEGER NOT NULL,
  CHECK (window_to > window_from),
  CHECK (state <> 'exhausted' OR used = max_tasks),
  CHECK (used = 0 OR state IN ('active', 'exhausted', 'expired', 'revoked'))
) STRICT, WITHOUT ROWID;

CREATE INDEX grant_open ON grant (identity) WHERE state IN ('requested', 'pending', 'active');

CREATE TRIGGER grant_kept BEFORE DELETE ON grant BEGIN SELECT raise(ABORT, 'a grant is kept for good'); END;
CREATE TRIGGER grant_over BEFORE UPDATE ON grant WHEN OLD.state IN ('exhausted', 'expired', 'revoked', 'denied')
  BEGIN SELECT raise(ABORT, 'a grant that is over is never changed'); END;
CREATE TRIGGER grant_asked BEFORE UPDATE OF id, identity, intents, purpose, window_from, window_to, max_task_ttl, max_tasks, requested_by, digest, created_at
  ON grant BEGIN SELECT raise(ABORT, 'what a grant gives is never changed'); END;
CREATE TRIGGER grant_back BEFORE UPDATE ON grant
  WHEN OLD.state IN ('requested', 'pending', 'active') AND (OLD.state, NEW.state) NOT IN (VALUES ('requested', 'pending'), ('requested', 'denied'), ('pending', 'active'), ('pending', 'denied'),
    ('active', 'active'), ('active', 'exhausted'), ('active', 'expired'), ('active', 'revoked'))
  BEGIN SELECT raise(ABORT, 'a grant goes forward only'); END;
CREATE TRIGGER grant_used BEFORE UPDATE OF used ON grant WHEN NEW.used NOT IN (OLD.used, OLD.used + 1)
  BEGIN SELECT raise(ABORT, 'a use is counted once and never given back'); END;

ALTER TABLE task ADD COLUMN grant TEXT REFERENCES grant (id);
CREATE INDEX task_grant ON task (grant) WHERE grant IS NOT NULL;
CREATE TRIGGER task_grant_kept BEFORE UPDATE OF grant ON task WHEN OLD.grant IS NOT NEW.grant
  BEGIN SELECT raise(ABORT, 'a task keeps its grant'); END;
`,
};
