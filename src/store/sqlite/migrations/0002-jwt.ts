// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 2,
  name: 'JWT-SVIDs: their authorities, issuances and foreign keys',
  // A CHECK cannot be altered (sqlite.org/lang_altertable.html): the two tables are written anew.
  sql: `
CREATE TABLE authority_2 (
  id                  TEXT PRIMARY KEY,
  kind                TEXT NOT NULL CHECK (kind IN ('x509', 'jwt', 'wit')),
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
  revision            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO authority_2 SELECT id, kind, slot, certificate, key_ref, key_type, not_before, not_after, prepared_at,
  activated_at, old_at, last_svid_not_after, revision FROM authority;
DROP TABLE authority;
ALTER TABLE authority_2 RENAME TO authority;
CREATE UNIQUE INDEX authority_one_active ON authority (kind) WHERE slot = 'active';

CREATE TABLE issuance_2 (
  seq                INTEGER PRIMARY KEY,
  serial             BLOB NOT NULL UNIQUE,
  kind               TEXT NOT NULL CHECK (kind IN ('x509', 'jwt', 'wit')),
  identity_no        INTEGER NOT NULL REFERENCES identity (no),
  entry_id           TEXT NOT NULL,
  authority_id       TEXT NOT NULL,
  issued_at          INTEGER NOT NULL,
  not_before         INTEGER NOT NULL,
  not_after          INTEGER NOT NULL,
  asked_ttl_ms       INTEGER NOT NULL,
  pid                INTEGER NOT NULL,
  uid                INTEGER NOT NULL,
  gid                INTEGER NOT NULL,
  start_time         TEXT NOT NULL,
  marks              TEXT NOT NULL,
  facts              TEXT NOT NULL,
  audiences          TEXT NOT NULL DEFAULT '',
  delivered          INTEGER NOT NULL DEFAULT 1,
  undelivered_reason TEXT,
  revoked_at         INTEGER
) STRICT;

INSERT INTO issuance_2 (seq, serial, kind, identity_no, entry_id, authority_id, issued_at, not_before, not_after,
  asked_ttl_ms, pid, uid, gid, start_time, marks, facts, delivered, undelivered_reason, revoked_at)
  SELECT seq, serial, kind, identity_no, entry_id, authority_id, issued_at, not_before, not_after,
  asked_ttl_ms, pid, uid, gid, start_time, marks, facts, delivered, undelivered_reason, revoked_at FROM issuance;
DROP TABLE issuance;
ALTER TABLE issuance_2 RENAME TO issuance;
CREATE INDEX issuance_not_after ON issuance (not_after);
CREATE INDEX issuance_identity ON issuance (identity_no);

ALTER TABLE bundle ADD COLUMN sequence TEXT;
ALTER TABLE bundle ADD COLUMN refresh_hint_seconds INTEGER;

CREATE TABLE bundle_jwt_key (
  trust_domain TEXT NOT NULL REFERENCES bundle (trust_domain) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  kid          TEXT NOT NULL,
  public_key   BLOB NOT NULL,
  PRIMARY KEY (trust_domain, position),
  UNIQUE (trust_domain, kid)
) STRICT, WITHOUT ROWID;
`,
};
