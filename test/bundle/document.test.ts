// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePemBundle, parseSpiffeBundle, renderSpiffeBundle } from '../../src/bundle/document.ts';
import { Failure } from '../../src/lib/failure.ts';
import { KU, pem, TestCa } from '../support/test-ca.ts';

const ec = TestCa.create('example.org').der;
const rsa = TestCa.create('example.org', { keyType: 'rsa' }).der;

function x5cOf(der: Buffer): string {
  return der.toString('base64');
}

function key(over: Record<string, unknown> = {}): Record<string, unknown> {
  return { kty: 'EC', use: 'x509-svid', x5c: [x5cOf(ec)], ...over };
}

function read(...keys: unknown[]) {
  return parseSpiffeBundle(JSON.stringify({ keys }));
}

interface Document {
  readonly keys: readonly (Record<string, unknown> & { readonly x5c: readonly string[] })[];
  readonly spiffe_sequence: number;
  readonly spiffe_refresh_hint: number;
}

describe('the bundle document that we write', () => {
  const text = renderSpiffeBundle({ jwtKeys: [], certificates: [ec, rsa], sequence: 7, refreshHintSeconds: 300 });
  const document = JSON.parse(text) as Document;

  it('X509-22 and BUN-10: has exactly the members that the standard defines, and no kid', () => {
    expect(Object.keys(document).sort()).toEqual(['keys', 'spiffe_refresh_hint', 'spiffe_sequence']);
    expect(Object.keys(document.keys[0]!).sort()).toEqual(['crv', 'kty', 'use', 'x', 'x5c', 'y']);
    expect(Object.keys(document.keys[1]!).sort()).toEqual(['e', 'kty', 'n', 'use', 'x5c']);
  });

  it('X509-22: has one JWK per CA with the public key of its certificate', () => {
    for (const one of document.keys) {
      expect(one['use']).toBe('x509-svid');
      expect(one.x5c).toHaveLength(1);
      const certificate = new X509Certificate(Buffer.from(one.x5c[0]!, 'base64'));
      expect(one).toMatchObject(certificate.publicKey.export({ format: 'jwk' }));
    }
  });

  it('X509-24: has standard base64 of DER in x5c', () => {
    for (const one of document.keys) expect(one.x5c[0]).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
    expect(Buffer.from(document.keys[0]!.x5c[0]!, 'base64').equals(ec)).toBe(true);
  });

  it('CLI-14: has coordinates in their full length, also one with a leading zero', () => {
    let der = ec;
    const xOf = (one: Buffer): string => new X509Certificate(one).publicKey.export({ format: 'jwk' }).x!;
    for (let tries = 0; tries < 20_000 && Buffer.from(xOf(der), 'base64url')[0] !== 0; tries += 1)
      der = TestCa.create('example.org').der;
    const { keys } = JSON.parse(renderSpiffeBundle({ jwtKeys: [], certificates: [der] })) as Document;
    expect(Buffer.from(keys[0]!['x'] as string, 'base64url')[0]).toBe(0);
    expect(Buffer.from(keys[0]!['x'] as string, 'base64url')).toHaveLength(32);
  });

  it('BUN-03 and BUN-05: has sequence and hint as integers', () => {
    expect(document.spiffe_sequence).toBe(7);
    expect(document.spiffe_refresh_hint).toBe(300);
  });

  it('leaves out sequence and hint where they are not ours to give', () => {
    expect(Object.keys(JSON.parse(renderSpiffeBundle({ jwtKeys: [], certificates: [ec] })) as object)).toEqual([
      'keys',
    ]);
  });

  it('is read back as it was written', () => {
    expect(parseSpiffeBundle(text)).toEqual({
      certificates: [ec, rsa],
      jwtKeys: [],
      sequence: 7n,
      refreshHintSeconds: 300,
      ignored: [],
    });
  });
});

describe('a bundle document that we read', () => {
  it.each(['{}', '{"keys":null}', '{"keys":{}}', '{"keys":"x"}', '{"Keys":[]}'])(
    'BUN-01: without a keys array is refused: %s',
    (text) => {
      expect(() => parseSpiffeBundle(text)).toThrow('it has no `keys` array');
    },
  );

  it.each(['[]', '"x"', 'null', '3'])('that is not an object is refused: %s', (text) => {
    expect(() => parseSpiffeBundle(text)).toThrow('it is not a JSON object');
  });

  it('BUN-01 and BUN-02: with no keys is valid and empty: nobody is trusted', () => {
    expect(parseSpiffeBundle('{"keys":[]}').certificates).toEqual([]);
  });

  it.each([
    ['0', 0n],
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('BUN-04: keeps the sequence %s, and writes it again', (source, sequence) => {
    const bundle = parseSpiffeBundle(`{"keys":[],"spiffe_sequence":${source}}`);
    expect(bundle.sequence).toBe(sequence);
    expect(renderSpiffeBundle({ jwtKeys: [], certificates: [], sequence })).toBe(
      `{"keys":[],"spiffe_sequence":${source}}\n`,
    );
  });

  it.each(['-1', '1.5', '1e3', '1.0', '"7"', 'true', '[]', '18446744073709551616', '-0'])(
    'refuses the sequence %s',
    (source) => {
      expect(() => parseSpiffeBundle(`{"keys":[],"spiffe_sequence":${source}}`)).toThrow('spiffe_sequence is refused');
    },
  );

  it('BUN-06: has no hint where none is given, and refuses one that is no integer', () => {
    expect(parseSpiffeBundle('{"keys":[]}').refreshHintSeconds).toBeUndefined();
    expect(parseSpiffeBundle('{"keys":[],"spiffe_refresh_hint":60}').refreshHintSeconds).toBe(60);
    expect(() => parseSpiffeBundle('{"keys":[],"spiffe_refresh_hint":0.5}')).toThrow('spiffe_refresh_hint is refused');
  });

  it.each([['AKP'], [undefined], [3], ['ec'], ['__proto__']])(
    'BUN-07: ignores a key of kty %p, and keeps the others',
    (kty) => {
      const { certificates, ignored } = read(key({ kty }), key());
      expect(certificates).toEqual([ec]);
      expect(ignored).toEqual([{ index: 0, reason: expect.stringContaining('kty') }]);
    },
  );

  it.each([['sig'], ['X509-SVID'], ['x509-SVID'], [undefined], [null], ['']])(
    'BUN-08: ignores a key of use %p, and keeps the others',
    (use) => {
      const { certificates, ignored } = read(key({ use }), key({ x5c: [x5cOf(rsa)], kty: 'RSA' }));
      expect(certificates).toEqual([rsa]);
      expect(ignored).toEqual([{ index: 0, reason: expect.stringContaining('use') }]);
    },
  );

  it('leaves keys of other SVID types to those who use them', () => {
    expect(read(key({ use: 'jwt-svid', kid: 'a' }), key({ use: 'wit-svid', kid: 'b' })).certificates).toEqual([]);
  });

  it('BUN-09: tolerates members that it does not know, and requires none that it does not need', () => {
    const text = JSON.stringify({ keys: [key({ kid: 'x', alg: 'ES256', extra: { deep: [1] } })], more: null });
    expect(parseSpiffeBundle(text).certificates).toEqual([ec]);
  });

  it.each([[undefined], [[]], [null]])(
    'X509-25: ignores an x509-svid key whose x5c is %j, and keeps the others',
    (x5c) => {
      const { certificates, ignored } = read(key({ x5c }), key());
      expect(certificates).toEqual([ec]);
      expect(ignored).toEqual([{ index: 0, reason: 'no x5c' }]);
    },
  );

  it('X509-26: takes the first certificate of an x5c and no other', () => {
    expect(read(key({ x5c: [x5cOf(rsa), x5cOf(ec)] })).certificates).toEqual([rsa]);
    expect(read(key({ x5c: [x5cOf(rsa), 'not even base64'] })).certificates).toEqual([rsa]);
  });

  it.each([
    ['base64url', ec.toString('base64url')],
    ['PEM', pem(ec)],
    ['no padding', x5cOf(Buffer.concat([ec, Buffer.alloc(1)])).replace(/=+$/, '')],
    ['bytes behind', x5cOf(Buffer.concat([ec, Buffer.from([0])]))],
    ['cut short', x5cOf(ec.subarray(0, 100))],
    ['empty', ''],
    ['no text', 7],
  ])('X509-24: refuses a document whose x5c is no certificate rather than losing a root: %s', (_, first) => {
    expect(() => read(key(), key({ x5c: [first] }))).toThrow('bundle keys[1].x5c[0] is refused');
  });

  it('takes a certificate that is there twice once', () => {
    expect(read(key(), key(), key({ x5c: [x5cOf(rsa)] })).certificates).toEqual([ec, rsa]);
  });

  it('I9: larger than a mebibyte is refused unread', () => {
    expect(() => parseSpiffeBundle(`{"keys":[${' '.repeat(1024 * 1024)}]}`)).toThrow('it is larger than 1048576 bytes');
  });

  it('whatever it holds, is read or refused with a Failure', () => {
    const anyKey = fc.record(
      {
        kty: fc.constantFrom('EC', 'RSA', 'oct'),
        use: fc.constantFrom('x509-svid', 'sig'),
        x5c: fc.anything(),
        y: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.array(fc.oneof(anyKey, fc.anything())), fc.anything()), (keys) => {
        try {
          parseSpiffeBundle(JSON.stringify({ keys }) ?? '');
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
        }
      }),
    );
  });
});

const leaf = TestCa.create('example.org').issue('spiffe://example.org/web').der;
const noCertSign = TestCa.create('example.org', { keyUsage: KU.crlSign }).der;
const withPath = TestCa.create('example.org', { uris: ['spiffe://example.org/ca'] }).der;
const bareSlash = TestCa.create('example.org', { uris: ['spiffe://example.org/'] }).der;
const noId = TestCa.create('example.org', { uris: [] }).der;

describe.each([
  ['PEM', (der: Buffer) => parsePemBundle(pem(der))],
  ['a bundle document', (der: Buffer) => read(key({ x5c: [x5cOf(der)] })).certificates],
])('an anchor in %s', (_, readOne) => {
  it.each([
    ['X509-09: a leaf', leaf, 'is not the certificate of a CA'],
    ['X509-09: a CA that may not sign certificates', noCertSign, 'is not the certificate of a CA'],
  ])('is refused: %s', (_name, der, reason) => {
    expect(() => readOne(der)).toThrow(reason);
  });

  it.each([
    ['no ID', noId],
    ['an ID that ends with a slash', bareSlash],
    ['an ID with a path', withPath],
  ])('AMB-06: may have %s: what a foreign CA calls itself does not matter', (_name, der) => {
    expect(readOne(der)).toEqual([der]);
  });
});

describe('certificates in PEM', () => {
  it('come out in the order given, each once', () => {
    expect(parsePemBundle(pem(rsa) + pem(ec) + pem(rsa))).toEqual([rsa, ec]);
  });

  it('CLI-21: none at all is a mistake and refused', () => {
    expect(() => parsePemBundle('')).toThrow('it holds no certificate');
    expect(() => parsePemBundle('hello')).toThrow('it holds no certificate');
  });

  it('that hold something else are refused', () => {
    expect(() => parsePemBundle(pem(ec).replaceAll('CERTIFICATE', 'PRIVATE KEY'))).toThrow(Failure);
    expect(() => parsePemBundle(pem(ec.subarray(0, 50)))).toThrow(
      'bundle certificate 1 is refused: it is no certificate',
    );
  });

  it('I9: larger than a mebibyte are refused unread', () => {
    expect(() => parsePemBundle('x'.repeat(1024 * 1024 + 1))).toThrow('it is larger than 1048576 bytes');
  });
});
