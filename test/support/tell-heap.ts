// SPDX-License-Identifier: Apache-2.0
/** Loaded into a daemon before its own code (`--expose-gc --import`): on SIGUSR2 it says what is in use once all garbage is gone. */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`in use: ${JSON.stringify({ heapUsed, external })}\n`);
});
