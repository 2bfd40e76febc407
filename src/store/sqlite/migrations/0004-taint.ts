// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 4,
  name: 'authorities that are tainted; a second one for JWT-SVIDs',
  // As in 2, for the CHECK.
  sql: `
CREATE TABLE authority_4 (
  id                  TEXT PRIMARY KEY,
  kind                TEXT NOT NULL CHECK (kind IN ('x509', 'jwt', 'jwt-rsa', 'wit')),
  slot                TEXT NOT NULL CHECK (slot IN ('prepared', 'active', 'old')),
  published           BLOB NOT NULL,
  key_ref             TEXT NOT NULL,
  key_type            TEXT NOT NULL,
  not_before          INTEGER NOT NULL,
  not_after           INTEGER NOT NULL,
  prepared_at         INTEGER NOT NULL,
  activated_at        INTEGER,
  old_at              INTEGER,
  last_svid_not_after INTEGER NOT NULL,
  revision            INTEGER NOT NULL,
  tainted_at          INTEGER CHECK (tainted_at IS NULL OR slot = 'old')
) STRICT, WITHOUT ROWID;

INSERT INTO authority_4 (id, kind, slot, published, key_ref, key_type, not_before, not_after, prepared_at, activated_at,
  old_at, last_svid_not_after, revision)
  SELECT id, kind, slot, published, key_ref, key_type, not_before, not_after, prepared_at, activated_at,
  old_at, last_svid_not_after, revision FROM authority;
DROP TABLE authority;
ALTER TABLE authority_4 RENAME TO authority;
CREATE UNIQUE INDEX authority_one_active ON authority (kind) WHERE slot = 'active';
`,
};
