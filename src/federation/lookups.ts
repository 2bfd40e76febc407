// SPDX-License-Identifier: Apache-2.0
/**
 * Host names, a few at a time. A look-up holds one of the four threads that all file work of the process shares (libuv's pool)
 * for as long as a name server likes, and whoever is named in a relationship may run that name server (I9).
 */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Failure } from '../lib/failure.ts';
import { Turns } from '../lib/turns.ts';

const AT_ONCE = 2;
const WAITING = 1_024;

export function boundedLookups(): LookupFunction {
  const turns = new Turns({
    atOnce: AT_ONCE,
    waitingPerKey: WAITING,
    waiting: WAITING,
    full: (limit) =>
      new Failure('unavailable', 'LOOKUP_QUEUE_FULL', `more than ${limit} host names wait to be looked up`),
  });
  const never = new AbortController().signal;
  return (host, options, callback) => {
    const answered = (): Promise<void> =>
      new Promise((resolve) =>
        lookup(host, options, (error, address, family) => {
          callback(error, address, family);
          resolve();
        }),
      );
    turns.run(0, never, answered).catch((error: Error) => callback(error, '', 0));
  };
}
