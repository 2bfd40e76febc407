// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountNames, parseNames } from '../../../attestors/unix/account-names.ts';
import { tempDir } from '../../support/temp-dir.ts';

const folder = tempDir('names');
const [passwd, group] = [join(folder, 'passwd'), join(folder, 'group')];

describe('account names', () => {
  it('are read from the files, without a name service', () => {
    writeFileSync(passwd, 'root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n');
    writeFileSync(group, 'root:x:0:\nstaff:x:50:ana\n');
    const names = accountNames(passwd, group);
    expect([names.user(0), names.user(1000), names.user(50)]).toEqual(['root', 'ana', undefined]);
    expect([names.group(0), names.group(50), names.group(1000)]).toEqual(['root', 'staff', undefined]);
  });

  it('are read again when a file changes, is replaced or goes away', () => {
    writeFileSync(passwd, 'ana:x:1000:1000::/:/bin/sh\n');
    const names = accountNames(passwd, group);
    expect(names.user(1000)).toBe('ana');
    writeFileSync(`${passwd}.new`, 'eve:x:1000:1000::/:/bin/sh\n');
    renameSync(`${passwd}.new`, passwd);
    expect(names.user(1000)).toBe('eve');
    rmSync(passwd);
    expect(names.user(1000)).toBeUndefined();
    mkdirSync(passwd);
    expect(names.user(1000)).toBeUndefined();
    rmSync(passwd, { recursive: true });
  });

  it('of one id: the first row counts, as in getpwuid', () => {
    expect(parseNames('root:x:0:0\ntoor:x:0:0\n').get(0)).toBe('root');
  });

  it.each([
    '+::::::',
    '-eve:x:7:7',
    '#ana:x:7:7',
    ':x:7:7',
    'ana:x:-7:7',
    'ana:x:7x:7',
    'ana:x:4294967296:7',
    'a\u0007b:x:7:7',
    ' ana:x:7:7',
    'ana',
  ])('of a row that is none are none: %j', (row) => expect(parseNames(`${row}\n`).size).toBe(0));

  it('are never more than the rows', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => parseNames(text).size <= text.split('\n').length));
  });
});
