// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 10,
  name: 'policies, and the targets they speak of',
  sql: `
CREATE TABLE policy_set (
  hash        TEXT PRIMARY KEY CHECK (length(hash) = 64),
  schema_hash TEXT NOT NULL,
  text        TEXT NOT NULL,
  loaded_at   INTEGER NOT NULL,
  loaded_by   TEXT NOT NULL,
  mode        TEXT NOT NULL CHECK (mode IN ('live', 'shadow', 'past')),
  left_at     INTEGER,
  CHECK (mode <> 'live' OR left_at IS NULL)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX policy_set_live ON policy_set (mode) WHERE mode = 'live';
CREATE UNIQUE INDEX policy_set_shadow ON policy_set (mode) WHERE mode = 'shadow';

CREATE TRIGGER policy_set_kept BEFORE DELETE ON policy_set
  BEGIN SELECT raise(ABORT, 'a set of policies is kept for good'); END;
CREATE TRIGGER policy_set_text BEFORE UPDATE OF hash, schema_hash, text ON policy_set
  WHEN NEW.hash <> OLD.hash OR NEW.schema_hash <> OLD.schema_hash OR NEW.text <> OLD.text
  BEGIN SELECT raise(ABORT, 'the text of a set of policies never changes'); END;

CREATE TABLE target (
  name          TEXT PRIMARY KEY,
  owner         TEXT NOT NULL,
  environment   TEXT NOT NULL,
  impact        TEXT NOT NULL CHECK (impact IN ('low', 'high')),
  intents       TEXT NOT NULL CHECK (intents <> ''),
  audiences     TEXT NOT NULL,
  third_party   INTEGER NOT NULL CHECK (third_party IN (0, 1)),
  review_by     INTEGER,
  expires_at    INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  created_by    TEXT NOT NULL,
  retired_at    INTEGER,
  retired_by    TEXT,
  retire_reason TEXT,
  revision      INTEGER NOT NULL,
  CHECK (third_party = 0 OR review_by IS NOT NULL),
  CHECK ((retired_at IS NULL) = (retired_by IS NULL) AND (retired_at IS NULL) = (retire_reason IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER target_kept BEFORE DELETE ON target BEGIN SELECT raise(ABORT, 'a target is kept for good'); END;
CREATE TRIGGER target_retired BEFORE UPDATE ON target WHEN OLD.retired_at IS NOT NULL
  BEGIN SELECT raise(ABORT, 'a target that is retired is never changed'); END;
`,
};
