// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { SubuidOwners } from '../../src/peer/subuid.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('subuid');
const [subuid, passwd] = [join(folder, 'subuid'), join(folder, 'passwd')];

it('A9: a subuid counts for the user whose range it lies in', () => {
  writeFileSync(passwd, 'root:x:0:0::/:/bin/sh\nana:x:1000:1000::/:/bin/sh\n');
  writeFileSync(subuid, 'ana:100000:65536\n1001:200000:10\nroot:300000:65536\nghost:1:5\nbad\nana:x:y\n');
  const owners = new SubuidOwners(subuid, passwd);
  expect([99_999, 100_000, 165_535, 165_536].map((uid) => owners.ownerOf(uid))).toEqual([99_999, 1000, 1000, 165_536]);
  expect(owners.ownerOf(200_009)).toBe(1001);
  expect(owners.ownerOf(1000)).toBe(1000);
  // Root's ranges hold other people's containers.
  expect(owners.ownerOf(300_001)).toBe(300_001);
});

it('is read again when the file changes', () => {
  const owners = new SubuidOwners(subuid, passwd);
  writeFileSync(subuid, 'ana:500000:10\n');
  expect(owners.ownerOf(500_001)).toBe(1000);
  writeFileSync(subuid, 'ana:600000:100\n');
  expect([500_001, 600_001].map((uid) => owners.ownerOf(uid))).toEqual([500_001, 1000]);
});

it('does without the file', () => {
  expect(new SubuidOwners(join(folder, 'none'), join(folder, 'none')).ownerOf(7)).toBe(7);
});
