// SPDX-License-Identifier: Apache-2.0
/** Makes each call while `interrupted.c` cuts it short, and says what became of it. */
import { existsSync, openSync } from 'node:fs';
import koffi from 'koffi';
import * as native from '../../../src/peer/native.ts';

const preloaded = koffi.load(null);
const interruptNext = preloaded.func('void interrupt_next(int count)');
const interruptionsLeft = preloaded.func('int interruptions_left()');

const bytes = Buffer.alloc(256);
const text = openSync(import.meta.filename, 'r');
const ourselves = native.pidfdOpen(process.pid);

const calls: Readonly<Record<string, () => unknown>> = {
  poll: () => native.isReadable(ourselves),
  read: () => native.readInto(text, bytes),
  pread: () => native.readAt(text, bytes, 3),
  readlinkat: () => native.readLinkAt(native.AT_FDCWD, '/proc/self/ns/pid', bytes).length > 0,
  statx: () => native.statxAt(native.AT_FDCWD, '/proc', native.STATX_BASIC, bytes),
  openat: () => native.openAt(native.AT_FDCWD, '/proc', native.O_DIRECTORY) > 0,
  openat2: () => native.openAt2(native.AT_FDCWD, '/proc', native.O_DIRECTORY, native.RESOLVE_NO_SYMLINKS) > 0,
  epoll_wait: () => native.epollWait(native.epollCreate(), bytes, 0).length,
};

const results = Object.entries(calls).map(([call, make]) => [call, ...interrupted(3, make)]);
const closing = native.pidfdOpen(process.pid);
const [closed] = interrupted(1, () => native.closeFd(closing));
const event = { event: 'made', results, closed, gone: !existsSync(`/proc/self/fd/${closing}`) };
process.stdout.write(`${JSON.stringify(event)}\n`);

function interrupted(times: number, make: () => unknown): [result: unknown, left: unknown] {
  interruptNext(times);
  try {
    const result = make();
    return [result ?? 'done', interruptionsLeft()];
  } catch (error) {
    return [String(error), interruptionsLeft()];
  } finally {
    interruptNext(0);
  }
}
