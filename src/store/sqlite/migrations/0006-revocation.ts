// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

export const step: Migration = {
  number: 6,
  name: 'revocation: why an issuance was taken back',
  sql: `
ALTER TABLE issuance ADD COLUMN revoke_reason TEXT;
CREATE INDEX issuance_revoked ON issuance (not_after) WHERE revoked_at IS NOT NULL;
`,
};
