// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../src/attestation/plugin.ts';

export interface TimeLimit {
  readonly clock: Clock;
  /** Undefined: as long as the signal allows. */
  readonly ms: number | undefined;
  readonly signal: AbortSignal;
}

/** Runs `work` with a signal that aborts when the outer one does or when the time is up; `late` says which it was. */
export async function withinTime<T>(
  { clock, ms, signal }: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
  failed: (error: unknown, late: boolean) => unknown,
): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let late = false;
  const end = (): void => {
    late = true;
    own.abort();
  };
  const timer = ms === undefined ? undefined : clock.after(ms, end);
  try {
    return await work(own.signal);
  } catch (error) {
    // Whatever was begun and not read to its end is given up.
    own.abort();
    signal.throwIfAborted();
    throw failed(error, late);
  } finally {
    timer?.cancel();
    signal.removeEventListener('abort', abort);
  }
}
