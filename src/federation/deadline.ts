// SPDX-License-Identifier: Apache-2.0
/** Work that has to be done in time (I9). */
import type { Clock } from '../lib/clock.ts';

/** Rejects with `late()` after `ms`, with the reason of `outer` when that aborts; `work` is told by the signal it gets. */
export async function within<T>(
  rules: { readonly clock: Clock; readonly ms: number; readonly late: () => Error; readonly outer: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, ms, late, outer } = rules;
  outer.throwIfAborted();
  const controller = new AbortController();
  const forward = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', forward, { once: true });
  const timer = clock.after(ms, () => controller.abort(late()));
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  try {
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    timer.cancel();
    outer.removeEventListener('abort', forward);
  }
}
