// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { type Random, systemRandom } from '../../src/lib/random.ts';
import { newSerial } from '../../src/x509/serial.ts';
import { elementsOf } from './rebuild.ts';
import { forAnHour, newSigner, template } from './signer.ts';

const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff];
const all = (byte: number): Random => ({ ...systemRandom, bytes: (count) => Buffer.alloc(count, byte) });

it.each(BYTES)('X509-29: a serial is positive and of 16 bytes though all random bytes are %i', (byte) => {
  const serial = newSerial(all(byte));
  expect(serial).toHaveLength(16);
  expect(serial[0]! & 0xc0).toBe(0x40);
  expect(serial.subarray(1).equals(Buffer.alloc(15, byte))).toBe(true);
});

it.each(BYTES)('X509-29: a leaf has such a serial, in its shortest form, when they are %i', async (byte) => {
  const leaves = template(await newSigner());
  const { certificateDer, serial } = await leaves.mint({ ...forAnHour, random: all(byte) });
  expect(elementsOf(elementsOf(certificateDer)[0]!)[1]?.toString('hex')).toBe(`0210${serial}`);
  expect(new X509Certificate(certificateDer).serialNumber.toLowerCase()).toBe(serial);
});
