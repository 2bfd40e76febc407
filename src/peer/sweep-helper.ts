// SPDX-License-Identifier: Apache-2.0
/**
 * The sweep: a process of its own that looks each second at every connected process whose cgroup somebody rests on (attack
 * A10: nothing reports a move), and where the kernel reports no execs (attack A5) at every connected process. It compares credentials, layout and executable, and holds /proc/PID/environ open: that file belongs to
 * one memory image and reads empty once an exec has replaced it. A CLONE_VM sibling keeps the image alive and hides the
 * exec from this one test.
 *
 * Opening and reading `environ` takes locks of the process looked at, which a hostile one can hold for ever (an exec
 * that waits for a FUSE server). That is why this is a process: its owner ends it, and the culprit's connections too.
 */
import { difference, readBaseline } from './baseline.ts';
import { O_RDONLY, openAt, readAt } from './native.ts';
import { NativeError } from './native-error.ts';
import { OwnedFd } from './owned-fd.ts';
import { ProcessGone, type ProcFolder, readByNumber } from './proc-look.ts';
import type { EndReason } from './process-handle.ts';
import type { SweepOrder, SweepReport, SweepRow } from './sweep-messages.ts';

const PERIOD_MS = 1_000;
/** Then the orders that came in get their turn. */
const SLICE_MS = 5;
const CHUNK = 32;

interface Held {
  readonly row: SweepRow;
  /** `environ` or `maps` of the image first seen; null where it may not be read. */
  image: OwnedFd | null | undefined;
}

const held = new Map<number, Held>();
const one = Buffer.alloc(1);
let waiting: number[] = [];
let timer: NodeJS.Timeout | undefined;

process.on('message', (order: SweepOrder) => {
  if (order.kind === 'add') add(order.row);
  else {
    held.get(order.serial)?.image?.close();
    held.delete(order.serial);
  }
});
process.on('disconnect', () => process.exit(0));
// Signals to the whole group are the daemon's business: it ends its helpers itself.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

schedule(PERIOD_MS);

function add(row: SweepRow): void {
  const before = held.get(row.serial);
  if (row.baseline === undefined) before?.image?.close();
  held.set(row.serial, { row, image: row.baseline === undefined ? undefined : before?.image });
  if (row.baseline === undefined) return;
  // A newcomer is looked at now: its image must be held before it can exec unseen.
  waiting.unshift(row.serial);
  schedule(0);
}

function schedule(delayMs: number): void {
  clearTimeout(timer);
  timer = setTimeout(sweep, delayMs);
}

let began = performance.now();

function sweep(): void {
  if (waiting.length === 0) {
    waiting = [...held.keys()];
    began = performance.now();
  }
  const slice = performance.now();
  while (waiting.length > 0 && performance.now() - slice < SLICE_MS) lookAtSome();
  const done = waiting.length === 0;
  if (done) say({ kind: 'swept' });
  schedule(done ? Math.max(0, began + PERIOD_MS - performance.now()) : 0);
}

function lookAtSome(): void {
  const careful = held.get(waiting[0] as number)?.row.careful === true;
  const firstCareful = waiting.findIndex((serial) => held.get(serial)?.row.careful === true);
  const serials = waiting.splice(0, careful ? 1 : Math.min(CHUNK, firstCareful < 0 ? CHUNK : firstCareful));
  say({ kind: 'looking', serials });
  for (const serial of serials) {
    const one = held.get(serial);
    const reason = one && lookAt(one);
    if (reason !== undefined) say({ kind: 'changed', serial, reason });
  }
}

function lookAt(one: Held): EndReason | undefined {
  try {
    return readByNumber(one.row.pid, (folder) => {
      const { baseline, cgroup } = one.row;
      // guard: A10 test/peer/cgroup-change.test.ts
      if (cgroup !== undefined && folder.text('cgroup') !== cgroup) return 'cgroup-changed';
      if (baseline === undefined) return undefined;
      // Opened before the comparison: if that holds, this is the image first seen.
      if (one.image === undefined) one.image = holdImage(folder);
      const changed = difference(baseline, readBaseline(folder));
      // guard: A5 test/peer/exec.test.ts — same file, same layout: only the image tells
      if (changed === undefined && one.image !== null && imageReplaced(one.image)) return 'exec';
      return changed;
    });
  } catch (error) {
    if (error instanceof ProcessGone) return 'exited';
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

/** `maps` for a process without an environment, which reads empty from the start. */
function holdImage(folder: ProcFolder): OwnedFd | null {
  for (const name of ['environ', 'maps']) {
    try {
      const file = new OwnedFd(openAt(folder.fd, name, O_RDONLY));
      // guard: A5 test/peer/exec.test.ts — an empty environment
      if (!imageReplaced(file)) return file;
      file.close();
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
    }
  }
  return null;
}

/** At its end from the first byte on. An error (memory unmapped by its owner) is not an end. */
function imageReplaced(file: OwnedFd): boolean {
  try {
    return readAt(file.number, one, 0) === 0;
  } catch (error) {
    if (error instanceof NativeError) return false;
    throw error;
  }
}

function say(report: SweepReport): void {
  process.send?.(report);
}
