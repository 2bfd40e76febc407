// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hashFile } from '../../src/peer/file-hash.ts';
import type { FileAnswer } from '../../src/peer/file-jobs.ts';
import { AT_FDCWD, O_PATH, openAt } from '../../src/peer/native.ts';
import { type FileFacts, statFacts } from '../../src/peer/statx.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('hash');
const path = join(folder, 'file');
const content = Buffer.alloc(3_000_000, 'x');
writeFileSync(path, content);

function hash(change: Partial<FileFacts> = {}, mostBytes = 1 << 29, of = path): FileAnswer {
  const place = openAt(AT_FDCWD, of, O_PATH);
  try {
    return hashFile(place, { ...statFacts(AT_FDCWD, of), ...change }, mostBytes);
  } finally {
    closeSync(place);
  }
}

describe('a digest', () => {
  it('is that of the content', () => {
    expect(hash()).toEqual({ kind: 'sha256', sha256: createHash('sha256').update(content).digest('hex') });
  });

  it('A11: is not made of a file past the ceiling, which is named', () => {
    expect(hash({}, 1_000_000)).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringMatching(/limits\.digest_file_bytes/),
    });
  });

  it('A11: is not made of what is no regular file; a FIFO is not waited for', () => {
    const fifo = join(folder, 'fifo');
    spawnSync('mkfifo', [fifo]);
    expect(hash({}, 1 << 29, fifo)).toMatchObject({ kind: 'unreadable', reason: expect.stringMatching(/regular/) });
    // Even if it had passed for one.
    expect(hash({ regular: true, size: 10n }, 1 << 29, fifo)).toMatchObject({ kind: 'failed' });
  });

  it('A11: an end where data is due is an error', () => {
    expect(hash({ size: 3_000_005n })).toEqual({ kind: 'failed', reason: 'the executable ended 5 bytes early' });
  });

  it('A8: more bytes than promised, or other times afterwards, are an error', () => {
    expect(hash({ size: 2_999_999n })).toEqual({ kind: 'failed', reason: 'the executable grew' });
    expect(hash({ modifiedNs: 1n })).toEqual({ kind: 'failed', reason: 'the executable changed' });
    expect(hash({ changedNs: 1n })).toEqual({ kind: 'failed', reason: 'the executable changed' });
  });

  it('A3: leaves no descriptor behind', () => {
    const before = openSync('/dev/null', 'r');
    closeSync(before);
    hash();
    hash({ modifiedNs: 1n });
    const after = openSync('/dev/null', 'r');
    closeSync(after);
    expect(after).toBe(before);
  });
});
