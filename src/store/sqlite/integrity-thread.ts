// SPDX-License-Identifier: Apache-2.0
/** Looks at the pages of one database, answers, and ends. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type IntegrityAnswer, integrity } from './integrity.ts';
import type { Trouble } from './wire.ts';

const port = parentPort as MessagePort;
port.postMessage(answer());

function answer(): IntegrityAnswer {
  try {
    const { databasePath } = workerData as { readonly databasePath: string };
    const db = new Database(databasePath, { readonly: true, fileMustExist: true });
    try {
      return { found: integrity(db) };
    } finally {
      db.close();
    }
  } catch (error) {
    const { message, code } = error as Trouble;
    return { trouble: { message, code } };
  }
}
