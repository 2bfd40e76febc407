// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** The table anew, since a CHECK cannot be changed; its rows as they were. */
export const step: Migration = {
  number: 18,
  name: 'approvals: taken back by who signed them',
  sql: `
CREATE TABLE vote_anew (
  request     TEXT NOT NULL REFERENCES approval_request (id),
  human       TEXT NOT NULL REFERENCES human (name),
  decision    TEXT NOT NULL CHECK (decision IN ('approve', 'reject', 'withdraw')),
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

INSERT INTO vote_anew SELECT request, human, decision, fingerprint, strength, proof, counter, statement, signature, at FROM approval_vote;
DROP TABLE approval_vote;
ALTER TABLE vote_anew RENAME TO approval_vote;

CREATE TRIGGER vote_kept BEFORE DELETE ON approval_vote BEGIN SELECT raise(ABORT, 'a vote is kept for good'); END;
CREATE TRIGGER vote_cast BEFORE UPDATE ON approval_vote BEGIN SELECT raise(ABORT, 'a vote is never changed'); END;
CREATE TRIGGER vote_late BEFORE INSERT ON approval_vote
  WHEN NEW.decision <> 'withdraw' AND (SELECT state FROM approval_request WHERE id = NEW.request) IS NOT 'pending'
  BEGIN SELECT raise(ABORT, 'a request that is decided takes no vote'); END;
CREATE TRIGGER vote_taken_back BEFORE INSERT ON approval_vote
  WHEN NEW.decision = 'withdraw'
    AND NOT EXISTS (SELECT 1 FROM approval_vote WHERE request = NEW.request AND human = NEW.human AND decision = 'approve')
  BEGIN SELECT raise(ABORT, 'nobody takes back what they did not approve'); END;
`,
};
