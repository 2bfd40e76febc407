// SPDX-License-Identifier: Apache-2.0
/**
 * The writer thread: the only one that writes to the database. It takes whatever messages have queued up while the last
 * batch was synced (no timer), runs them as one transaction, and answers.
 */
import { randomBytes } from 'node:crypto';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { Batches, describe } from './batch.ts';
import { readMark, writeMark } from './high-water-mark.ts';
import { setPragmas } from './pragmas.ts';
import { countOf, flagsOf, type Message, Then, type Trouble, type WriterSetup } from './wire.ts';

/** Commands in one transaction, so that a flood does not hold up its first for long; a message is never split. */
const BATCH_COMMANDS = 1000;

/** As better-sqlite3 has it unless told. */
const BUSY_MS = 5_000;

const setup = workerData as WriterSetup;
const port = parentPort as MessagePort;
const db = new Database(setup.databasePath);
setPragmas(db, setup.synchronous);
const batches = new Batches(db, setup.gate, randomBytes);
let marked = readMark(setup.markPath);
/** Something was erased that may still stand in the log (`-wal`). */
let logIsDue = false;

port.on('message', (first: Message) => {
  const messages = [first];
  for (let count = countOf(first); count < BATCH_COMMANDS; ) {
    const more = receiveMessageOnPort(port);
    if (more === undefined) break;
    messages.push(more.message as Message);
    count += countOf(more.message as Message);
  }
  const flags = messages.reduce((all, message) => all | flagsOf(message), 0);
  let answer = batches.run(messages);
  if ((flags & Then.mark) !== 0 && answer.answers !== undefined) answer = { ...answer, trouble: mark() };
  logIsDue ||= (flags & Then.emptyLog) !== 0;
  if (logIsDue && flags !== 0) logIsDue = !emptyLog();
  port.postMessage(answer);
  if ((flags & Then.close) === 0) return;
  db.close();
  port.close();
});

/** Whether the log went back into the database and holds nothing any more; not while somebody reads an older state of it. */
function emptyLog(): boolean {
  db.pragma('busy_timeout = 0');
  try {
    const [{ busy } = { busy: 1 }] = db.pragma('wal_checkpoint(TRUNCATE)') as { readonly busy: number }[];
    return busy === 0;
  } catch {
    // Trouble with the file shows with the next batch.
    return false;
  } finally {
    db.pragma(`busy_timeout = ${BUSY_MS}`);
  }
}

/** After the commit it speaks of, never before (attack B5). */
function mark(): Trouble | undefined {
  const { change, bundle, issuance, event } = batches.counters.now;
  const isMarked = marked?.change === change && marked.bundle === bundle && marked.issuance === issuance;
  if (isMarked && marked?.tree?.size === event) return undefined;
  try {
    const next = { change, bundle, issuance, tree: { size: event, root: batches.events.root() } };
    // guard: B5 test/store/rollback.test.ts
    writeMark(setup.markPath, next);
    marked = next;
    return undefined;
  } catch (error) {
    return describe(error);
  }
}
