// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/**
 * Nobody changes or removes an event, a node or a checkpoint, and of an issuance only whether it was sent or taken back; the
 * triggers keep our own mistakes from it. Against somebody who writes to the file stands the tree itself.
 */
export const step: Migration = {
  number: 5,
  name: 'the log: events, their tree, checkpoints',
  sql: `
CREATE TABLE event (
  seq            INTEGER PRIMARY KEY,
  at             INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  actor          TEXT NOT NULL,
  identity       TEXT,
  task           TEXT,
  issuance       INTEGER,
  payload_sha256 BLOB NOT NULL CHECK (length(payload_sha256) = 32),
  leaf_hash      BLOB NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;

CREATE INDEX event_identity ON event (identity, seq)
  WHERE identity IS NOT NULL AND kind NOT IN ('issue.x509', 'issue.jwt', 'issue.wit');

CREATE TABLE event_payload (
  seq     INTEGER PRIMARY KEY REFERENCES event (seq),
  salt    BLOB NOT NULL CHECK (length(salt) = 16),
  payload TEXT NOT NULL
) STRICT;

CREATE TABLE log_node (
  level INTEGER NOT NULL,
  idx   INTEGER NOT NULL,
  hash  BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY,
  at   INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL
) STRICT;

CREATE TABLE redaction (
  seq    INTEGER PRIMARY KEY REFERENCES event (seq),
  at     INTEGER NOT NULL,
  by     TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;

ALTER TABLE issuance ADD COLUMN salt BLOB;

INSERT INTO counter (name, value) VALUES ('event', 0);

CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT raise(ABORT, 'an event is kept for good'); END;
CREATE TRIGGER event_stands BEFORE UPDATE ON event BEGIN SELECT raise(ABORT, 'an event is never changed'); END;
CREATE TRIGGER log_node_kept BEFORE DELETE ON log_node BEGIN SELECT raise(ABORT, 'a node is kept for good'); END;
CREATE TRIGGER log_node_stands BEFORE UPDATE ON log_node BEGIN SELECT raise(ABORT, 'a node is never changed'); END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint BEGIN SELECT raise(ABORT, 'a checkpoint is kept for good'); END;
CREATE TRIGGER checkpoint_stands BEFORE UPDATE ON checkpoint BEGIN SELECT raise(ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER redaction_kept BEFORE DELETE ON redaction BEGIN SELECT raise(ABORT, 'a redaction is kept for good'); END;
CREATE TRIGGER redaction_stands BEFORE UPDATE ON redaction BEGIN SELECT raise(ABORT, 'a redaction is never changed'); END;
CREATE TRIGGER event_payload_stands BEFORE UPDATE ON event_payload
  BEGIN SELECT raise(ABORT, 'a payload is never changed'); END;
CREATE TRIGGER event_payload_kept BEFORE DELETE ON event_payload
  WHEN NOT EXISTS (SELECT 1 FROM redaction WHERE redaction.seq = OLD.seq)
  BEGIN SELECT raise(ABORT, 'a payload is kept unless its redaction is written down'); END;
CREATE TRIGGER issuance_stands BEFORE UPDATE OF seq, serial, kind, identity_no, entry_id, authority_id, issued_at,
  not_before, not_after, asked_ttl_ms, pid, uid, gid, start_time, marks, facts, audiences, salt ON issuance
  BEGIN SELECT raise(ABORT, 'what was issued is never changed'); END;
`,
};
