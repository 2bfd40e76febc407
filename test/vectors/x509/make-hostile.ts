// SPDX-License-Identifier: Apache-2.0
/**
 * Writes hostile.json, the museum of certificates that must be refused: `tools/node/run test/vectors/x509/make-hostile.ts`.
 * Each piece is the good certificate with one thing wrong. The bytes are kept so that a change of the writer below
 * cannot quietly change what is tested.
 */
import { writeFileSync } from 'node:fs';
import { bits, bool, octets, oid, sequence, set, tlv, utf8 } from '../../support/der.ts';

const raw = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value, 'latin1'));

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'));
const NAME = sequence(set(sequence(oid('2.5.4.10'), utf8('Museum'))));
const KEY = sequence(
  sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
  bits(
    raw(
      '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    ),
  ),
);
const SIGNATURE = bits(sequence(raw('020101'), raw('020101')));
const VALIDITY = sequence(text(0x17, '260101000000Z'), text(0x17, '270101000000Z'));

const extension = (id: string, value: Buffer, critical?: Buffer): Buffer =>
  sequence(oid(id), ...(critical === undefined ? [] : [critical]), octets(value));
const named = (value: Buffer): Buffer => sequence(set(sequence(oid('2.5.4.10'), value)));
const SAN = '2.5.29.17';
const KU = '2.5.29.15';
const BC = '2.5.29.19';
const EKU = '2.5.29.37';
const NC = '2.5.29.30';
const san = (...names: Buffer[]): Buffer => extension(SAN, sequence(...names));
const uri = (value: string): Buffer => text(0x86, value);
const GOOD_SAN = san(uri('spiffe://td/a'));
const GOOD_KU = extension(KU, raw('03020780'), bool(true));

interface Parts {
  version?: Buffer;
  serial?: Buffer;
  inner?: Buffer;
  outer?: Buffer;
  issuer?: Buffer;
  validity?: Buffer;
  subject?: Buffer;
  key?: Buffer;
  before?: Buffer;
  extensions?: Buffer;
  after?: Buffer;
  signature?: Buffer;
  tail?: Buffer;
}
const NONE = Buffer.alloc(0);

function certificate(parts: Parts): Buffer {
  const tbs = sequence(
    parts.version ?? raw('a003020102'),
    parts.serial ?? raw('020141'),
    parts.inner ?? ECDSA,
    parts.issuer ?? NAME,
    parts.validity ?? VALIDITY,
    parts.subject ?? NAME,
    parts.key ?? KEY,
    parts.before ?? NONE,
    parts.extensions ?? list(GOOD_KU, GOOD_SAN),
    parts.after ?? NONE,
  );
  return sequence(tbs, parts.outer ?? ECDSA, parts.signature ?? SIGNATURE, parts.tail ?? NONE);
}

const list = (...extensions: Buffer[]): Buffer => tlv(0xa3, sequence(...extensions));
const only = (extra: Buffer): Buffer => certificate({ extensions: list(GOOD_SAN, extra) });
const onlySan = (...names: Buffer[]): Buffer => certificate({ extensions: list(san(...names)) });
const from = (start: Buffer): Buffer => certificate({ validity: sequence(start, text(0x17, '270101000000Z')) });
const good = certificate({});

/** `good` with the outer header, which is `30 82 xx xx`, replaced. */
const headed = (hex: string, tail = ''): Buffer => Buffer.concat([raw(hex), good.subarray(4), raw(tail)]);
const size = good.subarray(2, 4).toString('hex');

const pieces: [string, string, Buffer][] = [
  ['nothing at all', 'ends too early', NONE],
  ['one byte', 'ends too early', raw('30')],
  ['a NULL', 'tag 0x05', raw('0500')],
  ['PEM instead of DER', 'longer than what holds it', Buffer.from('-----BEGIN CERTIFICATE-----\n')],
  ['a byte behind the certificate', '1 bytes follow', Buffer.concat([good, raw('00')])],
  ['two certificates', 'bytes follow', Buffer.concat([good, good])],
  ['the last byte missing', 'longer than what holds it', good.subarray(0, -1)],
  ['indefinite length', 'length is indefinite', headed('3080', '0000')],
  ['length in more octets than needed', 'not in the shortest form', headed(`308300${size}`)],
  ['length of 127 or less in long form', 'not in the shortest form', certificate({ serial: raw('02810141') })],
  ['length of 4 GiB', 'longer than what holds it', headed('3084ffffffff')],
  ['length in five octets', 'beyond all bounds', headed(`3085000000${size}`)],
  ['length in 127 octets', 'beyond all bounds', headed('30ff')],
  ['a tag number above 30', 'tag number above 30', certificate({ serial: raw('1f020141') })],
  ['an INTEGER marked as constructed', 'tag 0x22', certificate({ serial: raw('2203020141') })],
  ['SET instead of SEQUENCE', 'tag 0x31', Buffer.concat([raw('31'), good.subarray(1)])],
  ['something behind the signature', 'bytes follow', certificate({ tail: raw('0500') })],
  ['something behind the extensions', 'bytes follow', certificate({ after: raw('0500') })],

  ['version 1, by leaving it out', 'tag 0x02', certificate({ version: NONE, extensions: NONE })],
  ['version 1, written', 'only version 3', certificate({ version: raw('a003020100') })],
  ['version 2', 'only version 3', certificate({ version: raw('a003020101') })],
  ['version 4', 'only version 3', certificate({ version: raw('a003020103') })],
  ['two versions', 'bytes follow', certificate({ version: raw('a006020102020102') })],

  ['a negative serial', 'negative', certificate({ serial: raw('0201ff') })],
  ['a serial without bytes', 'at least one byte', certificate({ serial: raw('0200') })],
  ['a serial with a needless zero byte', 'shortest form', certificate({ serial: raw('02020041') })],
  ['a serial of 21 bytes', 'longer than 20 bytes', certificate({ serial: raw(`0215${'41'.repeat(21)}`) })],

  [
    'another algorithm inside than outside',
    'differs from the one that is signed',
    certificate({ outer: raw('300a06082a8648ce3d040303') }),
  ],
  [
    'parameters outside only',
    'differs from the one that is signed',
    certificate({ outer: sequence(oid('1.2.840.10045.4.3.2'), raw('0500')) }),
  ],
  [
    'an algorithm of three parts',
    'bytes follow',
    certificate({ inner: sequence(oid('1.2.3'), raw('0500'), raw('0500')) }),
  ],
  ['an algorithm without a name', 'ends too early', certificate({ inner: raw('3000') })],

  ['an issuer with an empty part', 'an empty part', certificate({ issuer: sequence(set()) })],
  [
    'an issuer whose attribute has no value',
    'ends too early',
    certificate({ issuer: sequence(set(sequence(oid('2.5.4.10')))) }),
  ],
  [
    'an issuer whose attribute has two values',
    'bytes follow',
    certificate({ issuer: sequence(set(sequence(oid('2.5.4.10'), utf8('a'), utf8('b')))) }),
  ],

  ['a name that is not UTF-8', 'not what its tag says', certificate({ issuer: named(text(0x0c, 'a\xff')) })],
  ['an IA5 name with an eighth bit', 'not what its tag says', certificate({ subject: named(text(0x16, 'a\xff')) })],
  ['a BMP name of three bytes', 'not what its tag says', certificate({ subject: named(text(0x1e, '\0a\0')) })],
  ['a name that is an OBJECT IDENTIFIER', 'not what its tag says', certificate({ subject: named(oid('1.2.3')) })],
  ['a name of bits of which 9 are unused', 'not what its tag says', certificate({ subject: named(raw('03020980')) })],
  [
    'an algorithm with a NULL that holds something',
    'a NULL is empty',
    certificate({ inner: sequence(oid('1.2.3'), raw('050100')) }),
  ],
  ['an algorithm with text for parameters', 'tag 0x0c', certificate({ inner: sequence(oid('1.2.3'), utf8('a')) })],
  [
    'a key whose curve is named with padding',
    'padded',
    certificate({ key: sequence(sequence(oid('1.2.3'), raw('06038001 01')), raw('03020041')) }),
  ],

  ['30 February', 'no such date', from(text(0x17, '260230000000Z'))],
  ['29 February 2100', 'no such date', from(text(0x18, '21000229000000Z'))],
  ['31 April', 'no such date', from(text(0x17, '260431000000Z'))],
  ['month 0', 'no such date', from(text(0x17, '260001000000Z'))],
  ['month 13', 'no such date', from(text(0x17, '261301000000Z'))],
  ['day 0', 'no such date', from(text(0x17, '260100000000Z'))],
  ['24 hours', 'no such date', from(text(0x17, '260101240000Z'))],
  ['60 minutes', 'no such date', from(text(0x17, '260101006000Z'))],
  ['a leap second', 'no such date', from(text(0x17, '260101000060Z'))],
  ['a date of letters', 'not made of digits', from(text(0x17, '26010100000xZ'))],
  ['a date with a sign', 'not made of digits', from(text(0x17, '26+101000000Z'))],
  ['UTCTime without seconds', 'to the second with a final Z', from(text(0x17, '2601010000Z'))],
  ['UTCTime with an offset', 'to the second with a final Z', from(text(0x17, '260101000000+0100'))],
  ['UTCTime in small letters', 'to the second with a final Z', from(text(0x17, '260101000000z'))],
  ['GeneralizedTime with a fraction', 'to the second with a final Z', from(text(0x18, '20500101000000.5Z'))],
  ['GeneralizedTime before 2050', 'UTCTime is for', from(text(0x18, '20260101000000Z'))],
  ['a date that is an INTEGER', 'neither UTCTime nor', from(raw('020101'))],
  ['an end before the start', 'ends before it begins', from(text(0x17, '270101000001Z'))],
  ['three dates', 'bytes follow', certificate({ validity: sequence(...Array(3).fill(text(0x17, '260101000000Z'))) })],

  ['a key of a number of bits', 'whole number of bytes', certificate({ key: sequence(ECDSA, raw('03020780')) })],
  ['an empty key', 'it is empty', certificate({ key: sequence(ECDSA, raw('030100')) })],
  ['something behind the key', 'bytes follow', certificate({ key: sequence(ECDSA, raw('03020041'), raw('0500')) })],
  ['a signature of a number of bits', 'whole number of bytes', certificate({ signature: raw('03020780') })],
  ['an empty signature', 'it is empty', certificate({ signature: raw('030100') })],
  ['an issuerUniqueID', 'tag 0x81', certificate({ before: raw('81020041') })],

  ['an empty list of extensions', 'the list is empty', certificate({ extensions: list() })],
  [
    'two lists of extensions',
    'bytes follow',
    certificate({ extensions: tlv(0xa3, sequence(GOOD_SAN), sequence(GOOD_KU)) }),
  ],
  ['the same extension twice', 'stands twice', certificate({ extensions: list(GOOD_SAN, GOOD_SAN) })],
  [
    'an unknown extension twice',
    'stands twice',
    certificate({ extensions: list(extension('1.2.3', NONE), extension('1.2.3', NONE)) }),
  ],
  ['critical written as FALSE', 'a BOOLEAN that is written is TRUE', only(extension('1.2.3', NONE, bool(false)))],
  ['critical written as 1', 'a BOOLEAN that is written is TRUE', only(extension('1.2.3', NONE, raw('010101')))],
  ['critical of two bytes', 'a BOOLEAN has one byte', only(extension('1.2.3', NONE, raw('0102ffff')))],
  ['an extension of four parts', 'bytes follow', only(sequence(oid('1.2.3'), bool(true), octets(NONE), raw('0500')))],
  ['an extension without a value', 'ends too early', only(sequence(oid('1.2.3')))],
  ['an extension whose name is empty', 'cut off', only(sequence(raw('0600'), octets(NONE)))],
  ['an extension whose name is cut off', 'cut off', only(sequence(raw('06025581'), octets(NONE)))],
  ['an extension whose name is padded', 'padded', only(sequence(raw('060480551d11'), octets(NONE)))],
  [
    'a SAN named with a padded arc',
    'padded',
    only(sequence(raw('0604551d8011'), octets(sequence(uri('spiffe://td/b'))))),
  ],
  [
    'an extension whose name has a huge arc',
    'beyond all bounds',
    only(sequence(tlv(0x06, Buffer.alloc(30, 0x81), raw('01')), octets(NONE))),
  ],

  ['cA written as FALSE', 'a BOOLEAN that is written is TRUE', only(extension(BC, sequence(bool(false))))],
  ['cA written as 1', 'a BOOLEAN that is written is TRUE', only(extension(BC, sequence(raw('010101'))))],
  ['a path length without cA', 'needs cA', only(extension(BC, sequence(raw('020100'))))],
  ['a negative path length', 'negative', only(extension(BC, sequence(bool(true), raw('0201ff'))))],
  [
    'a path length of five bytes',
    'longer than 4 bytes',
    only(extension(BC, sequence(bool(true), raw('02050100000000')))),
  ],
  ['something behind basicConstraints', 'bytes follow', only(extension(BC, Buffer.concat([sequence(), raw('0500')])))],
  ['basicConstraints without a value', 'ends too early', only(extension(BC, NONE))],

  ['a keyUsage without bits', 'no bits', only(extension(KU, raw('030100')))],
  ['a keyUsage of zeros', 'last set bit', only(extension(KU, raw('03020700')))],
  ['a keyUsage with a trailing zero bit', 'last set bit', only(extension(KU, raw('03020680')))],
  ['a keyUsage with a trailing zero byte', 'last set bit', only(extension(KU, raw('0303078000')))],
  ['a keyUsage with a bit set that is unused', 'last set bit', only(extension(KU, raw('03020781')))],
  ['a keyUsage that leaves 8 bits unused', 'last set bit', only(extension(KU, raw('03020880')))],
  ['a keyUsage of three bytes', 'more than are known', only(extension(KU, raw('030400808080')))],

  ['a SAN without names', 'holds no name', onlySan()],
  ['a SAN with a name of no kind', 'no known kind', onlySan(uri('spiffe://td/a'), raw('890141'))],
  ['a SAN whose URI is marked as constructed', 'no known kind', onlySan(text(0xa6, 'spiffe://td/a'))],
  ['a SAN with an empty URI', 'it is empty', onlySan(uri(''))],
  ['a SAN with a NUL in its URI', 'control character', onlySan(uri('spiffe://td/a\0.evil'))],
  ['a SAN with a NUL in its DNS name', 'control character', onlySan(uri('spiffe://td/a'), text(0x82, 'a.b\0.evil'))],
  ['a SAN with a line feed in its URI', 'control character', onlySan(uri('spiffe://td/a\n'))],
  ['a SAN with an eighth bit in its URI', 'control character', onlySan(uri('spiffe://td/\xe9'))],
  ['a SAN with a DEL in its URI', 'control character', onlySan(uri('spiffe://td/\x7f'))],
  [
    'something behind the SAN',
    'bytes follow',
    certificate({ extensions: list(extension(SAN, Buffer.concat([sequence(uri('spiffe://td/a')), raw('0500')]))) }),
  ],

  ['an extKeyUsage without purposes', 'names no purpose', only(extension(EKU, sequence()))],
  ['an extKeyUsage of text', 'tag 0x0c', only(extension(EKU, sequence(utf8('server'))))],
  ['a subjectKeyIdentifier with something behind it', 'bytes follow', only(extension('2.5.29.14', raw('0401410500')))],
  [
    'an authorityKeyIdentifier with an issuer and no serial',
    'come together',
    only(extension('2.5.29.35', sequence(raw('a100')))),
  ],
  [
    'an authorityKeyIdentifier out of order',
    'bytes follow',
    only(extension('2.5.29.35', sequence(raw('a100'), raw('820141'), raw('800141')))),
  ],
  ['nameConstraints without names', 'holds no name', only(extension(NC, sequence(), bool(true)))],
  ['nameConstraints with an empty list', 'an empty list', only(extension(NC, sequence(raw('a000')), bool(true)))],
  [
    'nameConstraints with a minimum',
    'bytes follow',
    only(extension(NC, sequence(tlv(0xa0, sequence(text(0x86, 'td'), raw('800101')))), bool(true))),
  ],
];

const out = {
  good: good.toString('hex'),
  hostile: pieces.map(([name, reason, der]) => ({ name, reason, der: der.toString('hex') })),
};
writeFileSync(new URL('hostile.json', import.meta.url), `${JSON.stringify(out, null, 2)}\n`);
