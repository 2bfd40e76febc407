// SPDX-License-Identifier: Apache-2.0
import { lstatSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { splitDevice } from '../../src/lib/device-number.ts';
import { AT_FDCWD } from '../../src/peer/native.ts';
import { deviceNumber, statIdentity } from '../../src/peer/statx.ts';

describe('a device number', () => {
  it.each(['/etc/passwd', '/proc/self/status', '/dev/null', '/sys'])('of %s has the halves of statx', (path) => {
    const { major, minor } = splitDevice(lstatSync(path, { bigint: true }).dev);
    expect(deviceNumber(major, minor)).toBe(statIdentity(AT_FDCWD, path).device);
  });

  it('has both halves, however large', () => {
    // makedev(0x12345, 0x6789a) of glibc.
    expect(splitDevice(0x1_2000_6783_459an)).toEqual({ major: 0x12345n, minor: 0x6789an });
  });
});
