// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
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
};
