// SPDX-License-Identifier: Apache-2.0
/** SQLite's own look at the file: pages, and every index against its table (sqlite.org/pragma.html#pragma_integrity_check). */
import { Worker } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import type { Trouble } from './wire.ts';

/** Indexes of random keys are walked row by row: a cache that holds most of one saves reading its pages again and again. */
const CACHE_KIB = 65_536;

/** What it found, in its words; empty where there is nothing. */
export function integrity(db: Database): readonly string[] {
  db.pragma(`cache_size = -${CACHE_KIB}`);
  const found = db.prepare('PRAGMA integrity_check').pluck().all() as string[];
  return found.length === 1 && found[0] === 'ok' ? [] : found;
}

export type IntegrityAnswer = { readonly found: readonly string[] } | { readonly trouble: Trouble };

/**
 * The same in a thread of its own, so that it takes no time while another core has nothing to do. Begins at once, also where
 * the caller goes on without giving way. Rejects with the code of what better-sqlite3 throws.
 */
export function integrityAside(databasePath: string): Promise<readonly string[]> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./integrity-thread.${extension}`, import.meta.url), {
    name: 'integrity',
    workerData: { databasePath },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: IntegrityAnswer) =>
      'trouble' in answer
        ? reject(Object.assign(new Error(answer.trouble.message), answer.trouble))
        : resolve(answer.found),
    );
    worker.once('error', reject);
    // Who gave no answer has not said that all is well.
    worker.once('exit', () => reject(new Error('the thread that looks at the pages ended without an answer')));
  });
}
