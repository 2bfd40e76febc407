// SPDX-License-Identifier: Apache-2.0
/** Deadlines. */
import { AttestorError, type Clock } from '../../src/attestation/plugin.ts';

/** Runs `work` with a signal that aborts when the time is up. */
export async function within<T>(clock: Clock, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = clock.after(ms, () => controller.abort(new AttestorError(`it does not answer within ${ms} ms`)));
  try {
    return await work(controller.signal);
  } finally {
    timer.cancel();
  }
}

/** The promise's outcome, or the signal's reason if that comes first. The work goes on for whoever else waits for it. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
