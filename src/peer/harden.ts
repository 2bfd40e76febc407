// SPDX-License-Identifier: Apache-2.0
/** The daemon's own memory is nobody's to read (attack B2). Called before a key is loaded. */
import { Failure } from '../lib/failure.ts';
import { forbidCores, isDumpable, setDumpable } from './native.ts';

/**
 * No core dumps, and no ptrace, /proc/PID/mem or /proc/PID/environ for other processes of the same uid. It holds until
 * the process execs. Root and CAP_SYS_PTRACE are not kept out.
 */
export function hardenProcess(): void {
  try {
    // guard: B2 test/peer/harden.test.ts
    setDumpable(false);
    // guard: B2 test/peer/harden.test.ts
    forbidCores();
  } catch (cause) {
    throw failed('the kernel refused', cause);
  }
  if (isDumpable()) throw failed('the setting did not hold');
}

function failed(why: string, cause?: unknown): Failure {
  return new Failure('failed-precondition', 'NOT_HARDENED', `this process’s memory cannot be protected: ${why}`, {
    hint: 'allow prctl(PR_SET_DUMPABLE) and setrlimit in the seccomp filter of the daemon',
    ...(cause === undefined ? {} : { cause }),
  });
}
