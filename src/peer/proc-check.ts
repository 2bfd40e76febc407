// SPDX-License-Identifier: Apache-2.0
/** At start: /proc is the kernel's, and of our own pid namespace (attack A4: with another's /proc a stranger reads as the peer). */
import { readlinkSync, statfsSync } from 'node:fs';
import { Failure } from '../lib/failure.ts';

/** PROC_SUPER_MAGIC, statfs(2). */
const PROC_MAGIC = 0x9fa0;

export function checkProc(proc = '/proc'): void {
  const type = reading(() => statfsSync(proc).type);
  // guard: A4 test/peer/proc-check.test.ts
  if (type !== PROC_MAGIC) throw refuse(`${proc} is no procfs`);
  const self = reading(() => readlinkSync(`${proc}/self`));
  // guard: A4 test/peer/proc-check.test.ts
  if (self !== String(process.pid))
    throw refuse(
      `${proc} belongs to another pid namespace: it calls this process ${self ?? 'nothing'}, not ${process.pid}`,
    );
}

function reading<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function refuse(why: string): Failure {
  return new Failure('failed-precondition', 'PROC_NOT_OURS', `${why}, so callers cannot be looked at`, {
    hint: 'mount the procfs of the daemon’s own pid namespace at /proc',
  });
}
