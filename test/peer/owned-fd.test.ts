// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { OwnedFd } from '../../src/peer/owned-fd.ts';

it('A3: a second close does not close whatever got the number since', () => {
  const fd = new OwnedFd(openSync('/dev/null', 'r'));
  const { number } = fd;
  fd.close();
  const stranger = openSync('/dev/zero', 'r');
  expect(stranger).toBe(number);
  fd.close();
  expect(fstatSync(stranger).isCharacterDevice()).toBe(true);
  closeSync(stranger);
});

it('A3: the number cannot be had after the close', () => {
  const fd = new OwnedFd(openSync('/dev/null', 'r'));
  fd.close();
  expect(() => fd.number).toThrow(/after close/);
});
