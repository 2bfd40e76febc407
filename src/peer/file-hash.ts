// SPDX-License-Identifier: Apache-2.0
/** The digest of one file that somebody hostile may own: exactly the bytes that its facts promise, or none (attack A11). */
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { FileAnswer } from './file-jobs.ts';
import { type FileFacts, statFacts } from './statx.ts';

const CHUNK_BYTES = 1 << 20;
const chunk = Buffer.alloc(CHUNK_BYTES);

/** `place`: a descriptor of the file opened with O_PATH, of which `file` was read. */
export function hashFile(place: number, file: FileFacts, mostBytes: number, what = 'executable'): FileAnswer {
  // guard: A11 test/peer/file-hash.test.ts
  if (!file.regular) return { kind: 'unreadable', reason: `the ${what} is no regular file` };
  // guard: A11 test/peer/file-hash.test.ts
  if (file.size > BigInt(mostBytes)) return tooLarge(what, file.size, mostBytes);
  // O_NONBLOCK: should it be a FIFO or a device after all, opening it waits for nobody.
  const fd = openSync(`/proc/self/fd/${place}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const digest = createHash('sha256');
    let left = file.size;
    while (left > 0n) {
      const count = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      // guard: A11 test/peer/file-hash.test.ts — an end where data is due
      if (count === 0) return { kind: 'failed', reason: `the ${what} ended ${left} bytes early` };
      // guard: A8 test/peer/file-hash.test.ts — more than was due
      if (BigInt(count) > left) return { kind: 'failed', reason: `the ${what} grew` };
      digest.update(chunk.subarray(0, count));
      left -= BigInt(count);
    }
    // guard: A8 test/peer/file-hash.test.ts — written to meanwhile
    if (!sameFacts(statFacts(fd, ''), file)) return { kind: 'failed', reason: `the ${what} changed` };
    return { kind: 'sha256', sha256: digest.digest('hex') };
  } finally {
    closeSync(fd);
  }
}

export function sameFacts(a: FileFacts, b: FileFacts): boolean {
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.mountId === b.mountId &&
    a.birthTimeNs === b.birthTimeNs &&
    a.size === b.size &&
    a.modifiedNs === b.modifiedNs &&
    a.changedNs === b.changedNs
  );
}

function tooLarge(what: string, size: bigint, mostBytes: number): FileAnswer {
  const reason = `the ${what} has ${size} bytes; the most that is hashed is ${mostBytes} (limits.digest_file_bytes)`;
  return { kind: 'unreadable', reason };
}
