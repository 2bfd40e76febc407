// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 1,
  name: 'identities, entries, bundles, authorities, issuance, changes',
  sql: `
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counter (name, value) VALUES
  ('change', 0), ('issuance', 0), ('bundle', 0), ('latest_time', 0);

CREATE TABLE probe (
  no     INTEGER PRIMARY KEY,
  filler BLOB NOT NULL
) STRICT;

CREATE TABLE identity (
  no           INTEGER PRIMARY KEY,
  spiffe_id    TEXT NOT NULL UNIQUE,
  owner        TEXT NOT NULL,
  purpose      TEXT,
  kind         TEXT NOT NULL CHECK (kind IN ('service', 'job', 'bot', 'agent', 'legacy')),
  environment  TEXT,
  labels       TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('draft', 'active', 'suspended', 'retired')),
  state_reason TEXT,
  state_since  INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  created_by   TEXT NOT NULL,
  revision     INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
  no               INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  identity_no      INTEGER NOT NULL REFERENCES identity (no),
  parent_id        TEXT NOT NULL,
  selectors        TEXT NOT NULL,
  selector_set     BLOB NOT NULL,
  x509_ttl_seconds INTEGER,
  jwt_ttl_seconds  INTEGER,
  dns_names        TEXT NOT NULL,
  federates_with   TEXT NOT NULL,
  hint             TEXT NOT NULL,
  expires_at       INTEGER,
  created_at       INTEGER NOT NULL,
  created_by       TEXT NOT NULL,
  revision         INTEGER NOT NULL,
  claimed_accepted INTEGER NOT NULL,
  admin            INTEGER NOT NULL,
  downstream       INTEGER NOT NULL,
  store_svid       INTEGER NOT NULL,
  jwt_jti          INTEGER NOT NULL,
  UNIQUE (identity_no, selector_set)
) STRICT;

CREATE INDEX entry_order ON entry (created_at, id);

CREATE TABLE entry_selector (
  selector TEXT NOT NULL,
  entry_no INTEGER NOT NULL REFERENCES entry (no) ON DELETE CASCADE,
  PRIMARY KEY (entry_no, selector)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_selector_by_text ON entry_selector (selector);

CREATE TABLE bundle (
  trust_domain TEXT PRIMARY KEY,
  updated_at   INTEGER NOT NULL,
  updated_by   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bundle_certificate (
  trust_domain TEXT NOT NULL REFERENCES bundle (trust_domain) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  certificate  BLOB NOT NULL,
  PRIMARY KEY (trust_domain, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE authority (
  id                  TEXT PRIMARY KEY,
  kind                TEXT NOT NULL CHECK (kind IN ('x509')),
  slot                TEXT NOT NULL CHECK (slot IN ('prepared', 'active', 'old')),
  certificate         BLOB NOT NULL,
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

CREATE UNIQUE INDEX authority_one_active ON authority (kind) WHERE slot = 'active';

CREATE TABLE issuance (
  seq                INTEGER PRIMARY KEY,
  serial             BLOB NOT NULL UNIQUE,
  kind               TEXT NOT NULL CHECK (kind IN ('x509')),
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
  delivered          INTEGER NOT NULL DEFAULT 1,
  undelivered_reason TEXT,
  revoked_at         INTEGER
) STRICT;

CREATE INDEX issuance_not_after ON issuance (not_after);
CREATE INDEX issuance_identity ON issuance (identity_no);

CREATE TABLE change (
  seq    INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  by     TEXT NOT NULL,
  kind   TEXT NOT NULL,
  action TEXT NOT NULL,
  key    TEXT NOT NULL
) STRICT;
`,
};
