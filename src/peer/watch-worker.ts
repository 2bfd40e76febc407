// SPDX-License-Identifier: Apache-2.0
/**
 * The watching thread: waits on one epoll over the pidfds of all connected processes and the process connector (attack
 * A5), and passes on what became ready. It touches nothing that belongs to a workload, so no workload can hold it up.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { EPOLL_EVENT_BYTES, epollWait } from './native.ts';
import { WAKE, type WatchInput, type WatchMessage } from './watch-messages.ts';

/** The longest wait: the thread can be ended from outside only in between. */
const WAIT_MS = 1_000;

const { epoll } = workerData as WatchInput;
const buffer = Buffer.alloc(EPOLL_EVENT_BYTES * 256);
for (;;) {
  const ready: WatchMessage = epollWait(epoll, buffer, WAIT_MS);
  if (ready.includes(WAKE)) break;
  if (ready.length > 0) parentPort?.postMessage(ready);
}
