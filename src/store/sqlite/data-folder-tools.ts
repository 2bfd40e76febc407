// SPDX-License-Identifier: Apache-2.0
/** What works on a data folder without a daemon: verification, backup, restoring, and the acceptance of one that has gone back. */
import type { NoteVerifier } from '../../merkle/note.ts';
import { acceptRollback, inspectRollback } from './accept-rollback.ts';
import { backUp } from './backup.ts';
import { dataFiles } from './data-dir.ts';
import { restore } from './restore.ts';
import { type Verified, type VerifyOptions, verifyDatabaseAside } from './verify.ts';

export type { Accepted, Rollback } from './accept-rollback.ts';
export type { Verified } from './verify.ts';

export interface VerifyPlace extends Pick<VerifyOptions, 'outside'> {
  readonly dataDir: string;
  /** Undefined: the keys that the log names. */
  readonly verifier: NoteVerifier | undefined;
}

export const dataFolderTools = {
  verify({ dataDir, verifier, outside }: VerifyPlace): Promise<Verified> {
    const { database, mark } = dataFiles(dataDir);
    return verifyDatabaseAside({ databasePath: database, markPath: mark, verifier, outside });
  },
  inspectRollback,
  acceptRollback,
  backUp,
  restore,
};

export type DataFolderTools = typeof dataFolderTools;
