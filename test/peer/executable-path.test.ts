// SPDX-License-Identifier: Apache-2.0
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fileAt, fileAtWaiting, linkText } from '../../src/peer/executable-path.ts';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { statIdentity } from '../../src/peer/statx.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('the text of an executable’s link', () => {
  it.each(['/usr/bin/nginx', '/opt/with space/ü/日本', '/a (deleted)', '/memfd:x (deleted)'])(
    'counts as it is: %s',
    (text) => {
      expect(linkText(Buffer.from(text))).toEqual({ text });
    },
  );

  it.each(['/a\nb', '/a\u0000b', '/a\u001b[2J', '/a\u007f', '/a\u0085b', '/a\u009bb', '/a\tb'])(
    'A6: does not count with a control character: %j',
    (text) => expect(linkText(Buffer.from(text))).toEqual({ reason: expect.stringMatching(/control/) }),
  );

  it.each([[[0x2f, 0xff]], [[0x2f, 0xc3, 0x28]], [[0x2f, 0xed, 0xa0, 0x80]], [[0x2f, 0xc0, 0xaf]]])(
    'A6: does not count when it is not UTF-8: %j',
    (bytes) => expect(linkText(Buffer.from(bytes))).toEqual({ reason: expect.stringMatching(/UTF-8/) }),
  );

  it('does not count when it is no place', () => {
    expect(linkText(Buffer.from('anon_inode:[x]'))).toEqual({ reason: expect.stringMatching(/no place/) });
    expect(linkText(Buffer.from(''))).toEqual({ reason: expect.stringMatching(/no place/) });
  });

  it('A6: is never changed, whatever bytes it has', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const link = Buffer.concat([Buffer.from('/'), bytes]);
        const read = linkText(link);
        if ('text' in read) expect(Buffer.from(read.text)).toEqual(link);
      }),
    );
  });
});

describe('what stands at a path', () => {
  const folder = tempDir('path');
  const file = join(folder, 'real', 'file');
  mkdirSync(join(folder, 'real'));
  writeFileSync(file, '');
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('file', join(folder, 'real', 'alias'));
  linkSync(file, join(folder, 'real', 'twin'));

  it.each([
    ['in memory', fileAt],
    ['waiting', fileAtWaiting],
  ])('is the file itself, by device and inode: %s', (_how, at) => {
    // Touched, so that the kernel has it in memory.
    const identity = statIdentity(AT_FDCWD, file);
    expect(at(AT_FDCWD, file)).toEqual(identity);
    expect(at(AT_FDCWD, join(folder, 'real', 'twin'))).toEqual(statIdentity(AT_FDCWD, join(folder, 'real', 'twin')));
  });

  it('A6: is not reached through a symbolic link', () => {
    statIdentity(AT_FDCWD, join(folder, 'link', 'file'));
    statIdentity(AT_FDCWD, join(folder, 'real', 'alias'));
    expect(fileAtWaiting(AT_FDCWD, join(folder, 'link', 'file'))).toBe('nothing');
    // The link itself stands there, and that is another inode.
    expect(fileAtWaiting(AT_FDCWD, join(folder, 'real', 'alias'))).not.toEqual(statIdentity(AT_FDCWD, file));
    expect(fileAtWaiting(AT_FDCWD, `/proc/self/root${file}`)).toBe('nothing');
  });

  it('is nothing where there is nothing', () => {
    expect(fileAtWaiting(AT_FDCWD, join(folder, 'none'))).toBe('nothing');
    expect(fileAtWaiting(AT_FDCWD, `${file} (deleted)`)).toBe('nothing');
  });
});
