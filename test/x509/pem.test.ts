// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromPem, toPem } from '../../src/x509/pem.ts';
import { refusalOf } from '../support/refusal.ts';
import { TestCa } from '../support/test-ca.ts';

const ca = TestCa.create('td');
const text = toPem('CERTIFICATE', ca.der);

describe('PEM', () => {
  it('is what Node and OpenSSL write', () => {
    expect(text).toBe(new X509Certificate(ca.der).toString());
  });

  it('comes back block by block, with other text between', () => {
    const both = fromPem(`# mine\r\n${text.replaceAll('\n', '\r\n')}\nand\n${text}`, 'CERTIFICATE');
    expect(both.map((der) => der.equals(ca.der))).toEqual([true, true]);
    expect(fromPem('', 'CERTIFICATE')).toEqual([]);
  });

  it.each([
    ['another label', text.replaceAll('CERTIFICATE', 'PRIVATE KEY')],
    ['labels that differ', text.replace('END CERTIFICATE', 'END PRIVATE KEY')],
    ['no end', text.slice(0, 200)],
    ['no beginning', text.slice(30)],
    ['a block in a block', text.replace('\n', '\n-----BEGIN CERTIFICATE-----\n')],
    ['nothing inside', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['a character that is not base64', text.replace(/A/, '*')],
    ['base64url', text.replace(/\n(.)/, '\n_')],
    ['padding inside', text.replace(/\n(....)/, '\n$1====')],
    ['a header, as encrypted keys have', text.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n')],
  ])('with %s is refused', (_, odd) => {
    expect(refusalOf(() => fromPem(odd, 'CERTIFICATE'))).toMatchObject({
      kind: 'invalid-argument',
      reason: 'PEM_INVALID',
    });
  });

  it('of any bytes comes back the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const [back, ...more] = fromPem(toPem('X Y1', Buffer.from(bytes)), 'X Y1');
        expect(back?.equals(bytes)).toBe(true);
        expect(more).toEqual([]);
      }),
    );
  });

  it('is refused or read, whatever the text', () => {
    const near = fc.array(
      fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', 'QUJD', '\n', '-', 'é'),
    );
    fc.assert(
      fc.property(near, (pieces) => {
        try {
          fromPem(pieces.join(''), 'CERTIFICATE');
        } catch (error) {
          expect(error).toMatchObject({ reason: 'PEM_INVALID' });
        }
      }),
    );
  });
});
