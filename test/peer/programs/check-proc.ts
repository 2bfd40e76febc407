// SPDX-License-Identifier: Apache-2.0
/** Prints what the start check says of /proc. */
import type { Failure } from '../../../src/lib/failure.ts';
import { checkProc } from '../../../src/peer/proc-check.ts';

let failure: Failure | undefined;
try {
  checkProc();
} catch (error) {
  failure = error as Failure;
}
process.stdout.write(`${JSON.stringify({ event: 'checked', reason: failure?.reason, message: failure?.message })}\n`);
