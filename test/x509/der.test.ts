// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerCursor, TAG } from '../../src/x509/der.ts';
import { readOid } from '../../src/x509/der-oid.ts';
import { readUnsigned } from '../../src/x509/der-values.ts';
import { oid, sequence, tlv } from '../support/der.ts';
import { refusalOf } from '../support/refusal.ts';

const read = (hex: string): DerCursor => new DerCursor(Buffer.from(hex.replaceAll(' ', ''), 'hex')).next('it');
const reasonFor = (hex: string): string => refusalOf(() => read(hex)).message;

describe('a DER element', () => {
  it('X509-16: has a length in its shortest form', () => {
    expect(reasonFor('04 81 01 00')).toContain('shortest form');
    expect(reasonFor(`04 82 00 80 ${'00'.repeat(128)}`)).toContain('shortest form');
    expect(read(`04 81 80 ${'00'.repeat(128)}`).content()).toHaveLength(128);
    expect(read(`04 82 01 00 ${'00'.repeat(256)}`).content()).toHaveLength(256);
  });

  it('X509-16: has a definite length', () => {
    expect(reasonFor('30 80 00 00')).toContain('indefinite');
  });

  it('X509-16: is not longer than what holds it', () => {
    expect(reasonFor('04 02 00')).toContain('longer than what holds it');
    expect(reasonFor('04 84 ff ff ff ff')).toContain('longer than what holds it');
    const inner = read('30 03 04 02 00 00'.slice(0, 14)).bytes;
    expect(refusalOf(() => new DerCursor(inner).enter(TAG.sequence, 'it').next('it')).message).toContain('longer');
  });

  it('X509-16: has a tag number of at most 30', () => {
    expect(reasonFor('1f 01 00')).toContain('tag number above 30');
    expect(reasonFor('bf 81 01 00')).toContain('tag number above 30');
  });

  it('X509-16: has the tag that belongs there', () => {
    const cursor = new DerCursor(Buffer.from('0500', 'hex'));
    expect(refusalOf(() => cursor.expect(TAG.sequence, 'it')).message).toContain('tag 0x05 stands where 0x30 belongs');
  });

  it('CLI-05: has nothing behind it where it should end', () => {
    const cursor = new DerCursor(Buffer.from('05000500', 'hex')).next('it');
    expect(refusalOf(() => cursor.finish('it')).message).toContain('2 bytes follow');
    cursor.next('it').finish('it');
  });

  it('is read as it was written, at any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), (bytes) => {
        const cursor = new DerCursor(tlv(0x04, bytes)).expect(TAG.octetString, 'it');
        cursor.finish('it');
        expect(cursor.content().equals(bytes)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is read or refused in time that nesting does not lengthen', () => {
    let nested: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 15_000; depth++) nested = tlv(0x30, nested);
    const outer = new DerCursor(nested).enter(TAG.sequence, 'it');
    expect(outer.more).toBe(true);
    for (let cursor = outer; cursor.more; ) cursor = cursor.enter(TAG.sequence, 'it');
  });

  it('never fails but with a refusal, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const cursor = new DerCursor(Buffer.from(bytes));
        while (cursor.more) {
          const before = cursor.at;
          try {
            cursor.next('it');
          } catch (error) {
            expect(error).toMatchObject({ reason: 'CERTIFICATE_INVALID' });
            return;
          }
          expect(cursor.at).toBeGreaterThan(before);
          expect(cursor.to).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an OBJECT IDENTIFIER', () => {
  it.each([
    '0.0',
    '1.2.840.113549.1.1.11',
    '2.5.29.17',
    '1.39',
    '1.3.6.1.4.1.311.21.8.268435455',
    '1.2.268435456.4294967295',
  ])('%s comes back as written', (dotted) => {
    expect(readOid(new DerCursor(oid(dotted)), 'it')).toBe(dotted);
  });

  it.each([
    ['06028837', '2.999'],
    ['060455070800', '2.5.7.8.0'],
    // X.667: a UUID as an arc of 128 bits below 2.25.
    ['06146983b0cfa6c2eac3f5b6fba18c97fae2ec8f16ab'.slice(0, 4), undefined],
  ])('%s is %s', (hex, dotted) => {
    const cursor = new DerCursor(Buffer.from(hex, 'hex'));
    if (dotted === undefined) expect(() => readOid(cursor, 'it')).toThrow();
    else expect(readOid(cursor, 'it')).toBe(dotted);
  });

  it('may have an arc of 128 bits, as those made of UUIDs have', () => {
    const arc = 2n ** 128n - 1n;
    const septets: number[] = [];
    for (let left = arc; left > 0n; left >>= 7n)
      septets.unshift(Number(left & 0x7fn) | (septets.length > 0 ? 0x80 : 0));
    const der = tlv(0x06, Buffer.from([0x69, ...septets]));
    expect(readOid(new DerCursor(der), 'it')).toBe(`2.25.${arc}`);
  });
});

describe('an INTEGER', () => {
  it('comes back without the zero byte that keeps it positive', () => {
    expect(readUnsigned(new DerCursor(Buffer.from('020200ff', 'hex')), 'it', 20).toString('hex')).toBe('ff');
    expect(readUnsigned(new DerCursor(Buffer.from('020100', 'hex')), 'it', 20).toString('hex')).toBe('00');
  });

  it('stands alone in what it is read from', () => {
    const inner = new DerCursor(sequence(Buffer.from('020105', 'hex'))).enter(TAG.sequence, 'it');
    expect(readUnsigned(inner, 'it', 1)[0]).toBe(5);
    inner.finish('it');
  });
});
