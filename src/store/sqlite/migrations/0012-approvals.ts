// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** A request has the id of what it is about. `task` says so to SQLite. */
export const step: Migration = {
  number: 12,
  name: 'approvals: what people are asked, and what they sign',
  sql: `
CREATE TABLE approval_request (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('task', 'grant')),
  task         TEXT REFERENCES task (id) CHECK (task = id),
  identity     TEXT NOT NULL REFERENCES identity (spiffe_id),
  request      TEXT NOT NULL CHECK (request <> ''),
  digest       TEXT NOT NULL CHECK (length(digest) = 71),
  agent        TEXT NOT NULL,
  uid          INTEGER,
  quorum       INTEGER NOT NULL CHECK (quorum >= 1),
  strength     INTEGER NOT NULL CHECK (strength BETWEEN 1 AND 3),
  created_at   INTEGER NOT NULL,
  not_after    INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
  state_since  INTEGER NOT NULL,
  state_reason TEXT,
  revision     INTEGER NOT NULL,
  CHECK ((kind = 'task') = (task IS NOT NULL)),
  CHECK ((state = 'pending') = (state_reason IS NULL)),
  CHECK (not_after > created_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX approval_pending ON approval_request (uid) WHERE state = 'pending';

CREATE TRIGGER approval_kept BEFORE DELETE ON approval_request
  BEGIN SELECT raise(ABORT, 'what people were asked is kept for good'); END;
CREATE TRIGGER approval_over BEFORE UPDATE ON approval_request WHEN OLD.state <> 'pending'
  BEGIN SELECT raise(ABORT, 'a request that is decided is never changed'); END;
CREATE TRIGGER approval_asked BEFORE UPDATE OF id, kind, task, identity, request, digest, agent, uid, quorum, strength, created_at, not_after
  ON approval_request BEGIN SELECT raise(ABORT, 'what people were asked is never changed'); END;

CREATE TABLE approval_vote (
  request     TEXT NOT NULL REFERENCES approval_request (id),
  human       TEXT NOT NULL REFERENCES human (name),
  decision    TEXT NOT NULL CHECK (decision IN ('approve', 'reject')),
  fingerprint TEXT NOT NULL REFERENCES human_key (fingerprint),
  strength    INTEGER NOT NULL CHECK (strength BETWEEN 1 AND 3),
  proof       TEXT NOT NULL CHECK (proof IN ('none', 'stated', 'attested')),
  counter     INTEGER,
  statement   TEXT NOT NULL CHECK (statement <> ''),
  signature   TEXT NOT NULL CHECK (signature <> ''),
  at          INTEGER NOT NULL,
  PRIMARY KEY (request, human, decision),
  CHECK (strength = 1 OR proof <> 'none')
) STRICT, WITHOUT ROWID;

CREATE TRIGGER vote_kept BEFORE DELETE ON approval_vote BEGIN SELECT raise(ABORT, 'a vote is kept for good'); END;
CREATE TRIGGER vote_cast BEFORE UPDATE ON approval_vote BEGIN SELECT raise(ABORT, 'a vote is never changed'); END;
CREATE TRIGGER vote_late BEFORE INSERT ON approval_vote
  WHEN (SELECT state FROM approval_request WHERE id = NEW.request) IS NOT 'pending'
  BEGIN SELECT raise(ABORT, 'a request that is decided takes no vote'); END;
`,
};
