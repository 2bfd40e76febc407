// SPDX-License-Identifier: Apache-2.0
/**
 * A CA that does whatever a test asks: any extension, any algorithm, any name. `test/support/test-ca.ts` is the one
 * for other rooms; this one breaks the rules that only path validation knows.
 */
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bits, bool, integer, octets, oid, sequence, set, time, tlv, utf8 } from '../support/der.ts';
import { HOUR, NOW } from './signer.ts';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Algorithm {
  /** AlgorithmIdentifier. */
  readonly identifier: Buffer;
  readonly hash: string | null;
  readonly saltLength?: number;
}

export const ECDSA_SHA256: Algorithm = { identifier: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' };

export interface Shape {
  readonly subject?: Buffer;
  readonly pair?: Pair;
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** What the issuer signs with; must fit its key. */
  readonly algorithm?: Algorithm;
  /** Left out when undefined. */
  readonly pathLen?: number;
  readonly isCa?: boolean;
  /** First octet; null leaves it out. */
  readonly keyUsage?: number | null;
  /** Tag and content of each SAN. */
  readonly names?: readonly (readonly [number, string])[];
  readonly extra?: readonly Buffer[];
  /** False leaves SKI and AKI out. */
  readonly keyIds?: boolean;
}

export class Ca {
  readonly pair: Pair;
  readonly subject: Buffer;
  readonly der: Buffer;

  private constructor(pair: Pair, subject: Buffer, der: Buffer) {
    this.pair = pair;
    this.subject = subject;
    this.der = der;
  }

  static root(shape: Shape = {}): Ca {
    const pair = shape.pair ?? ecPair();
    const subject = shape.subject ?? nameOf('root');
    return new Ca(pair, subject, certificate(pair, subject, { pair, subject }, { ...CA_SHAPE, ...shape }));
  }

  below(shape: Shape = {}): Ca {
    const pair = shape.pair ?? ecPair();
    const subject = shape.subject ?? nameOf('below');
    return new Ca(pair, subject, certificate(pair, subject, this, { ...CA_SHAPE, ...shape }));
  }

  leaf(id: string, shape: Shape = {}): Buffer {
    const names = shape.names ?? [[0x86, id]];
    const subject = shape.subject ?? nameOf('leaf');
    return certificate(shape.pair ?? ecPair(), subject, this, { keyUsage: 0x80, ...shape, names });
  }
}

export function ecPair(namedCurve = 'P-256'): Pair {
  return generateKeyPairSync('ec', { namedCurve });
}

/** Different for each test that gives it a different text. */
export function nameOf(text: string): Buffer {
  return sequence(set(sequence(oid('2.5.4.3'), utf8(text))));
}

export function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [bool(true)] : []), octets(value));
}

const CA_SHAPE: Shape = { isCa: true, keyUsage: 0x06 };

function certificate(pair: Pair, subject: Buffer, issuer: Pick<Ca, 'pair' | 'subject'>, shape: Shape): Buffer {
  const { algorithm = ECDSA_SHA256, notBefore = NOW - HOUR, notAfter = NOW + HOUR } = shape;
  const tbs = sequence(
    tlv(0xa0, integer(2)),
    integer(7),
    algorithm.identifier,
    issuer.subject,
    sequence(time(notBefore), time(notAfter)),
    subject,
    pair.publicKey.export({ format: 'der', type: 'spki' }),
    tlv(0xa3, sequence(...extensions(pair, issuer.pair, shape))),
  );
  const padding =
    algorithm.saltLength === undefined
      ? {}
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength };
  const signature = sign(algorithm.hash, tbs, { key: issuer.pair.privateKey, ...padding });
  return sequence(tbs, algorithm.identifier, bits(signature));
}

function extensions(pair: Pair, issuer: Pair, shape: Shape): Buffer[] {
  const { extra = [], isCa = false, keyIds = true, keyUsage, names = [], pathLen } = shape;
  const constraints = isCa ? [bool(true), ...(pathLen === undefined ? [] : [integer(pathLen)])] : [];
  return [
    extension('2.5.29.19', true, sequence(...constraints)),
    ...(typeof keyUsage === 'number' ? [extension('2.5.29.15', true, usageBits(keyUsage))] : []),
    ...(keyIds
      ? [
          extension('2.5.29.14', false, octets(keyId(pair))),
          extension('2.5.29.35', false, sequence(tlv(0x80, keyId(issuer)))),
        ]
      : []),
    ...(names.length > 0
      ? [extension('2.5.29.17', false, sequence(...names.map(([tag, text]) => tlv(tag, Buffer.from(text, 'latin1')))))]
      : []),
    ...extra,
  ];
}

function usageBits(octet: number): Buffer {
  return bits(Buffer.from([octet]), 31 - Math.clz32(octet & -octet));
}

/** Any name that is unique to the key does. */
function keyId(pair: Pair): Buffer {
  return createHash('sha1')
    .update(pair.publicKey.export({ format: 'der', type: 'spki' }))
    .digest();
}
