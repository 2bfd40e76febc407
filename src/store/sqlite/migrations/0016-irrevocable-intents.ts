// SPDX-License-Identifier: Apache-2.0
import type { Migration } from './migration.ts';

/** NULL where a target names none: so are those from before. */
export const step: Migration = {
  number: 16,
  name: 'targets: what cannot be taken back',
  sql: `
ALTER TABLE target ADD COLUMN irrevocable TEXT CHECK (irrevocable <> '');
`,
};
