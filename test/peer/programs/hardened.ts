// SPDX-License-Identifier: Apache-2.0
/** A process that protects its memory and stays. */
import { hardenProcess } from '../../../src/peer/harden.ts';
import { isDumpable } from '../../../src/peer/native.ts';

hardenProcess();
process.stdout.write(`${JSON.stringify({ event: 'hardened', dumpable: isDumpable() })}\n`);
setTimeout(() => undefined, 20_000);
