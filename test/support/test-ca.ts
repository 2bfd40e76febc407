// SPDX-License-Identifier: Apache-2.0
/** A CA that mints good certificates and, when asked, bad ones. Shares no code with `src/x509`, but for its revocation lists. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { buildCrl } from '../../src/x509/crl.ts';
import { bits, bool, integer, octets, oid, sequence, set, time, tlv, utf8 } from './der.ts';

export type TestKeyType = 'ec' | 'rsa' | 'ed25519';

export const KU = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, crlSign: 0x02 } as const;

export interface IssueOptions {
  /** URI SANs, as they shall stand there. */
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly isCa?: boolean;
  readonly pathLen?: number;
  /** Bits of the first octet of KeyUsage; `null` leaves the extension out. */
  readonly keyUsage?: number | null;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly keyType?: TestKeyType;
  readonly subject?: string;
  /** An extension nobody knows, marked critical. */
  readonly unknownCritical?: boolean;
  /** Signed by this key instead of the CA's. */
  readonly signWith?: KeyObject;
}

export interface Issued {
  readonly der: Buffer;
  readonly key: KeyObject;
  readonly pkcs8: Buffer;
  readonly serial: string;
  /** Leaf first, then intermediates, without the root. */
  readonly chain: readonly Buffer[];
}

const HOUR = 3_600_000;

export class TestCa {
  readonly #key: KeyObject;
  readonly #subject: Buffer;
  readonly #ski: Buffer;
  readonly #above: readonly Buffer[];
  readonly der: Buffer;

  private constructor(key: KeyObject, subject: Buffer, ski: Buffer, der: Buffer, above: readonly Buffer[]) {
    this.#key = key;
    this.#subject = subject;
    this.#ski = ski;
    this.der = der;
    this.#above = above;
  }

  /** A self-signed root of `spiffe://trustDomain`. */
  static create(trustDomain: string, opts: IssueOptions = {}): TestCa {
    const pair = newKey(opts.keyType ?? 'ec');
    const subject = name(opts.subject ?? `${trustDomain} ${randomBytes(4).toString('hex')}`);
    const ski = keyId(pair.publicKey);
    const options = { uris: [`spiffe://${trustDomain}`], isCa: true, keyUsage: KU.keyCertSign | KU.crlSign, ...opts };
    const { der } = certificate(pair, subject, { key: pair.privateKey, subject, ski }, options);
    return new TestCa(pair.privateKey, subject, ski, der, []);
  }

  /** An intermediate below this one; its leaves carry it in their chain. */
  intermediate(opts: IssueOptions = {}): TestCa {
    const pair = newKey(opts.keyType ?? 'ec');
    const subject = name(opts.subject ?? `intermediate ${randomBytes(4).toString('hex')}`);
    const options = { isCa: true, keyUsage: KU.keyCertSign | KU.crlSign, ...opts };
    const { der } = certificate(pair, subject, this.#issuer(opts), options);
    return new TestCa(pair.privateKey, subject, keyId(pair.publicKey), der, [der, ...this.#above]);
  }

  issue(spiffeId: string, opts: IssueOptions = {}): Issued {
    const pair = newKey(opts.keyType ?? 'ec');
    const options = { uris: [spiffeId], keyUsage: KU.digitalSignature, ...opts };
    const { der, serial } = certificate(pair, name(opts.subject ?? 'Test SVID'), this.#issuer(opts), options);
    const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    return { der, key: pair.privateKey, pkcs8, serial, chain: [der, ...this.#above] };
  }

  get subject(): Buffer {
    return this.#subject;
  }

  get ski(): Buffer {
    return this.#ski;
  }

  /** As its certificates are signed; for keys of the kind `ec`. */
  sign(tbs: Buffer): Buffer {
    return sign('sha256', tbs, this.#key);
  }

  #issuer(opts: IssueOptions): Issuer {
    return { key: opts.signWith ?? this.#key, subject: this.#subject, ski: this.#ski };
  }
}

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface Issuer {
  readonly key: KeyObject;
  readonly subject: Buffer;
  readonly ski: Buffer;
}

export function newKey(type: TestKeyType): Pair {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (type === 'ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;
}

function certificate(pair: Pair, subject: Buffer, issuer: Issuer, opts: IssueOptions): { der: Buffer; serial: string } {
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const now = Date.now();
  const algorithm = signatureAlgorithm(issuer.key);
  const tbs = sequence(
    tlv(0xa0, integer(2)),
    integer(serial),
    algorithm,
    issuer.subject,
    sequence(time(opts.notBefore ?? now - 10_000), time(opts.notAfter ?? now + HOUR)),
    subject,
    pair.publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(...extensions(pair, issuer, opts))),
  );
  const digest = issuer.key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const der = sequence(tbs, algorithm, bits(sign(digest, tbs, issuer.key)));
  return { der, serial: serial.toString('hex') };
}

function extensions(pair: Pair, issuer: Issuer, opts: IssueOptions): Buffer[] {
  const list: Buffer[] = [];
  const add = (id: string, critical: boolean, value: Buffer): void => {
    list.push(sequence(oid(id), ...(critical ? [bool(true)] : []), octets(value)));
  };
  const basic = opts.isCa ? [bool(true), ...(opts.pathLen === undefined ? [] : [integer(opts.pathLen)])] : [];
  add('2.5.29.19', true, sequence(...basic));
  if (typeof opts.keyUsage === 'number')
    add('2.5.29.15', true, bits(Buffer.from([opts.keyUsage]), trailingZeros(opts.keyUsage)));
  add('2.5.29.14', false, octets(keyId(pair.publicKey)));
  add('2.5.29.35', false, sequence(tlv(0x80, issuer.ski)));
  const names = [
    ...(opts.dns ?? []).map((dns) => tlv(0x82, Buffer.from(dns))),
    ...(opts.uris ?? []).map((uri) => tlv(0x86, Buffer.from(uri))),
  ];
  if (names.length > 0) add('2.5.29.17', false, sequence(...names));
  if (!opts.isCa) add('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')));
  if (opts.unknownCritical) add('1.3.6.1.4.1.99999.1', true, octets(Buffer.from([1])));
  return list;
}

function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return sequence(oid('1.2.840.113549.1.1.11'), tlv(0x05));
    case 'ed25519':
      return sequence(oid('1.3.101.112'));
    default:
      return sequence(oid('1.2.840.10045.4.3.2'));
  }
}

/** RFC 5280, section 4.2.1.2, method 1: SHA-1 of the key bits, which end the SPKI. */
function keyId(key: KeyObject): Buffer {
  const spki = key.export({ format: 'der', type: 'spki' });
  const size = { ec: 65, ed25519: 32 }[key.asymmetricKeyType as string];
  return createHash('sha1')
    .update(size === undefined ? spki : spki.subarray(-size))
    .digest();
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
}

function trailingZeros(byte: number): number {
  for (let count = 0; count < 8; count += 1) if (byte & (1 << count)) return count;
  return 7;
}

/** A revocation list of a CA of the kind `ec`. */
export function crlOf(
  ca: TestCa,
  list: {
    readonly revoked?: readonly string[];
    readonly number?: bigint;
    readonly nextUpdate?: number;
    /** Signs it in the CA's place. */
    readonly by?: TestCa;
  },
): Promise<Buffer> {
  const { revoked = [], number = 1n, nextUpdate = Date.now() + HOUR, by = ca } = list;
  const signer = {
    subjectDer: ca.subject,
    ski: ca.ski,
    keyType: 'ec-p256',
    sign: (tbs: Buffer) => by.sign(tbs),
  } as const;
  const thisUpdate = Date.now() - 10_000;
  return buildCrl({
    signer,
    number,
    thisUpdate,
    nextUpdate,
    revoked: revoked.map((serial) => ({ serial, revokedAt: thisUpdate })),
  });
}
