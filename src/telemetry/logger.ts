// SPDX-License-Identifier: Apache-2.0
/**
 * What every room may know of logging: five words. `log.ts` makes the one that writes.
 *
 * Callers pass fields and a fixed sentence, never a sentence built from outside text. Fields are scrubbed on the way out
 * (`redact.ts`): bytes, key objects, PEM private keys and selectors never reach a sink (I10).
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: object): Logger;
}

/** Writes nothing; for libraries and tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
