// SPDX-License-Identifier: Apache-2.0
/** Ends a story when its reader wants it to. */

/** Aborts at a signal, and when whoever started this, or read along, is gone. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      process.exitCode = 128 + { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[name];
      stop.abort();
    });
  }
  // Whoever reads along has gone away.
  process.stdout.on('error', () => stop.abort());
  // npm, when it is told to end, ends its shell and not what runs in it.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || stop.abort(), 500).unref();
  return stop.signal;
}

export function unlessStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('stopped'));
    if (stop.aborted) abort();
    stop.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => stop.removeEventListener('abort', abort));
  });
}
