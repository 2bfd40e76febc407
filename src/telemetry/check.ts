// SPDX-License-Identifier: Apache-2.0
/** One thing that was looked at, as `assay health` and `assay doctor` print it. */
export interface Check {
  /** Two or three words, stable. */
  readonly name: string;
  /** `warn`: it works, and something weakens it. `fail`: it does not. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was seen, in a sentence without a full stop. */
  readonly text: string;
  /** The next thing to try. */
  readonly hint?: string;
}
