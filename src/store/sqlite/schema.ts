// SPDX-License-Identifier: Apache-2.0
/**
 * The numbered steps that make the database what it is. A step that has been released is never edited: a change is a
 * new step. `docs/data.md` describes the tables as they stand after the last one.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  {
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
  },
  {
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
  },
  {
    number: 3,
    name: 'federation: relationships with other trust domains',
    sql: `
CREATE TABLE federation (
  trust_domain       TEXT PRIMARY KEY,
  url                TEXT NOT NULL,
  profile            TEXT NOT NULL CHECK (profile IN ('https_web', 'https_spiffe')),
  endpoint_spiffe_id TEXT,
  origin             TEXT NOT NULL CHECK (origin IN ('admin', 'config')),
  created_at         INTEGER NOT NULL,
  created_by         TEXT NOT NULL,
  CHECK ((profile = 'https_spiffe') = (endpoint_spiffe_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
`,
  },
  {
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
  },
];
