// SPDX-License-Identifier: Apache-2.0
/**
 * Writes hostile-crls.json, the museum of revocation lists that must be refused:
 * `tools/node/run test/vectors/x509/make-hostile-crls.ts`. Each piece is the good list with one thing wrong. The bytes are
 * kept so that a change of the writer below cannot quietly change what is tested.
 */
import { writeFileSync } from 'node:fs';
import { bits, bool, octets, oid, sequence, set, tlv, utf8 } from '../../support/der.ts';

const raw = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const utc = (value: string): Buffer => tlv(0x17, Buffer.from(value, 'latin1'));
const general = (value: string): Buffer => tlv(0x18, Buffer.from(value, 'latin1'));
const NONE = Buffer.alloc(0);

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'));
const NAME = sequence(set(sequence(oid('2.5.4.10'), utf8('Museum'))));
const THIS = utc('260101000000Z');
const NEXT = utc('260101010000Z');
const SIGNATURE = bits(sequence(raw('020101'), raw('020101')));

const extension = (id: string, value: Buffer, critical?: Buffer): Buffer =>
  sequence(oid(id), ...(critical === undefined ? [] : [critical]), octets(value));
const entry = (serial: Buffer, date = THIS, ...rest: Buffer[]): Buffer => sequence(serial, date, ...rest);
const entryWith = (...extensions: Buffer[]): Buffer => entry(raw('020141'), THIS, sequence(...extensions));
const AKI = extension('2.5.29.35', sequence(raw('80024142')));
const NUMBER = extension('2.5.29.20', raw('020107'));

interface Parts {
  version?: Buffer;
  inner?: Buffer;
  issuer?: Buffer;
  times?: Buffer;
  revoked?: Buffer;
  extensions?: Buffer;
  after?: Buffer;
  outer?: Buffer;
  signature?: Buffer;
  tail?: Buffer;
}

function crl(parts: Parts): Buffer {
  const tbs = sequence(
    parts.version ?? raw('020101'),
    parts.inner ?? ECDSA,
    parts.issuer ?? NAME,
    parts.times ?? Buffer.concat([THIS, NEXT]),
    parts.revoked ?? sequence(entry(raw('020141'))),
    parts.extensions ?? list(AKI, NUMBER),
    parts.after ?? NONE,
  );
  return sequence(tbs, parts.outer ?? ECDSA, parts.signature ?? SIGNATURE, parts.tail ?? NONE);
}

const list = (...extensions: Buffer[]): Buffer => tlv(0xa0, sequence(...extensions));
const plus = (...extensions: Buffer[]): Buffer => crl({ extensions: list(AKI, NUMBER, ...extensions) });
const revoking = (...entries: Buffer[]): Buffer => crl({ revoked: sequence(...entries) });
const times = (...all: Buffer[]): Buffer => crl({ times: Buffer.concat(all) });
const good = crl({});
const headed = (hex: string, tail = ''): Buffer => Buffer.concat([raw(hex), good.subarray(2), raw(tail)]);

const pieces: [string, string, Buffer][] = [
  ['nothing at all', 'ends too early', NONE],
  ['a NULL', 'tag 0x05', raw('0500')],
  ['PEM instead of DER', 'longer than what holds it', Buffer.from('-----BEGIN X509 CRL-----\n')],
  ['a byte behind the list', '1 bytes follow', Buffer.concat([good, raw('00')])],
  ['two lists one after the other', 'bytes follow', Buffer.concat([good, good])],
  ['the last byte missing', 'longer than what holds it', good.subarray(0, -1)],
  ['indefinite length', 'length is indefinite', headed('3080', '0000')],
  ['a length of 4 GiB', 'longer than what holds it', headed('3084ffffffff')],
  ['something behind the signature', 'bytes follow', crl({ tail: raw('0500') })],
  ['something behind the extensions', 'bytes follow', crl({ after: raw('0500') })],

  ['version 1, by leaving it out', 'tag 0x30', crl({ version: NONE })],
  ['version 1, written', 'only version 2', crl({ version: raw('020100') })],
  ['version 3', 'only version 2', crl({ version: raw('020102') })],
  ['another algorithm inside than outside', 'algorithms differ', crl({ outer: sequence(oid('1.2.840.10045.4.3.3')) })],
  ['an algorithm without a name', 'ends too early', crl({ inner: raw('3000'), outer: raw('3000') })],
  ['an issuer with an empty part', 'an empty part', crl({ issuer: sequence(set()) })],

  ['no next update', 'neither UTCTime nor', times(THIS)],
  ['a next update before this one', 'not after this one', times(NEXT, THIS)],
  ['both at one time', 'not after this one', times(THIS, THIS)],
  ['30 February', 'no such date', times(utc('260230000000Z'), NEXT)],
  ['a time with an offset', 'to the second with a final Z', times(utc('260101000000+0100'), NEXT)],
  ['GeneralizedTime before 2050', 'UTCTime is for', times(THIS, general('20260101010000Z'))],

  ['an empty list of serials', 'an empty list', revoking()],
  ['a negative serial', 'negative', revoking(entry(raw('0201ff')))],
  ['a serial without bytes', 'at least one byte', revoking(entry(raw('0200')))],
  ['a serial with a needless zero byte', 'shortest form', revoking(entry(raw('02020041')))],
  ['a serial of 21 bytes', 'longer than 20 bytes', revoking(entry(raw(`0215${'41'.repeat(21)}`)))],
  ['a serial without a date', 'ends too early', revoking(sequence(raw('020141')))],
  ['an entry of four parts', 'bytes follow', revoking(entry(raw('020141'), THIS, sequence(), raw('0500')))],
  [
    'an entry of another issuer',
    '2.5.29.29 of an entry',
    revoking(entryWith(extension('2.5.29.29', sequence(), bool(true)))),
  ],
  [
    'an entry of another issuer, not critical',
    '2.5.29.29 of an entry',
    revoking(entryWith(extension('2.5.29.29', sequence()))),
  ],
  [
    'an entry with something critical that nobody knows',
    '1.2.3 of an entry',
    revoking(entryWith(extension('1.2.3', NONE, bool(true)))),
  ],
  [
    'an entry with critical written as FALSE',
    'a BOOLEAN that is written is TRUE',
    revoking(entryWith(extension('1.2.3', NONE, bool(false)))),
  ],

  ['no extensions', 'ends too early', crl({ extensions: NONE })],
  ['an empty list of extensions', 'does not say whose key', crl({ extensions: list() })],
  ['two lists of extensions', 'bytes follow', crl({ extensions: tlv(0xa0, sequence(AKI), sequence(NUMBER)) })],
  ['no key identifier', 'does not say whose key', crl({ extensions: list(NUMBER) })],
  [
    'an empty key identifier',
    'empty or too long',
    crl({ extensions: list(extension('2.5.29.35', sequence(raw('8000'))), NUMBER) }),
  ],
  [
    'a key identifier of 65 bytes',
    'empty or too long',
    crl({ extensions: list(extension('2.5.29.35', sequence(tlv(0x80, Buffer.alloc(65, 1)))), NUMBER) }),
  ],
  ['no number', 'has no number', crl({ extensions: list(AKI) })],
  ['a negative number', 'negative', crl({ extensions: list(AKI, extension('2.5.29.20', raw('0201ff'))) })],
  [
    'a number of 21 bytes',
    'longer than 20 bytes',
    crl({ extensions: list(AKI, extension('2.5.29.20', raw(`0215${'41'.repeat(21)}`))) }),
  ],
  [
    'something behind the number',
    'bytes follow',
    crl({ extensions: list(AKI, extension('2.5.29.20', raw('0201070500'))) }),
  ],
  ['two numbers', 'is there twice', plus(NUMBER)],
  ['two key identifiers', 'is there twice', plus(AKI)],
  ['a delta', 'extension 2.5.29.27', plus(extension('2.5.29.27', raw('020106'), bool(true)))],
  ['a delta, not critical', 'extension 2.5.29.27', plus(extension('2.5.29.27', raw('020106')))],
  ['a partition', 'extension 2.5.29.28', plus(extension('2.5.29.28', sequence(raw('8101ff')), bool(true)))],
  ['a partition, not critical', 'extension 2.5.29.28', plus(extension('2.5.29.28', sequence(raw('8101ff'))))],
  [
    'a list that speaks for others',
    'extension 2.5.29.28',
    plus(extension('2.5.29.28', sequence(raw('8401ff')), bool(true))),
  ],
  ['something critical that nobody knows', 'extension 1.2.3', plus(extension('1.2.3', NONE, bool(true)))],
  ['critical of two bytes', 'a BOOLEAN has one byte', plus(extension('1.2.3', NONE, raw('0102ffff')))],

  ['a signature of a number of bits', 'whole number of bytes', crl({ signature: raw('03020780') })],
  ['an empty signature', 'it is empty', crl({ signature: raw('030100') })],
];

const out = {
  good: good.toString('hex'),
  hostile: pieces.map(([name, reason, der]) => ({ name, reason, der: der.toString('hex') })),
};
writeFileSync(new URL('hostile-crls.json', import.meta.url), `${JSON.stringify(out, null, 2)}\n`);
