// SPDX-License-Identifier: Apache-2.0
/**
 * Writes a certificate revocation list (RFC 5280 section 5): version 2, of all that one authority has signed, with its
 * number and the key that signed it. No reasons: why something was taken back is not for everybody who verifies.
 */
import { signatureKindOf } from './algorithms.ts';
import { encode, oid } from './asn1.ts';
import { TAG } from './der.ts';
import { timeText } from './der-time.ts';
import { element, unsigned } from './der-write.ts';
import { AUTHORITY_KEY_ID, CRL_NUMBER } from './oids.ts';

import type { Signer } from './types.ts';

export interface RevokedSerial {
  /** Lower-case hex. */
  readonly serial: string;
  /** Milliseconds UTC. */
  readonly revokedAt: number;
}

export interface CrlOptions {
  readonly signer: Pick<Signer, 'subjectDer' | 'ski' | 'keyType' | 'sign'>;
  /** Larger than that of any earlier list of this authority, below 2^64. */
  readonly number: bigint;
  /** Milliseconds UTC, taken to the whole second below. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly revoked: Iterable<RevokedSerial>;
}

const VERSION_2 = Buffer.of(TAG.integer, 1, 1);

/** DER. */
export async function buildCrl(options: CrlOptions): Promise<Buffer> {
  const { signer, number, thisUpdate, nextUpdate } = options;
  const algorithm = signatureKindOf(signer.keyType).identifier;
  const revoked = [...options.revoked].map(revokedEntry);
  const tbs = element(
    TAG.sequence,
    VERSION_2,
    algorithm,
    signer.subjectDer,
    time(thisUpdate),
    time(nextUpdate),
    // RFC 5280 section 5.1.2.6: left out where there are none.
    ...(revoked.length === 0 ? [] : [element(TAG.sequence, ...revoked)]),
    element(0xa0, element(TAG.sequence, ...extensions(signer.ski, number))),
  );
  const signature = await signer.sign(tbs);
  return element(TAG.sequence, tbs, algorithm, element(TAG.bitString, Buffer.of(0), signature));
}

function revokedEntry({ serial, revokedAt }: RevokedSerial): Buffer {
  return element(TAG.sequence, unsigned(Buffer.from(serial, 'hex')), time(revokedAt));
}

/** Neither is critical (RFC 5280 sections 5.2.1 and 5.2.3). */
function extensions(ski: Buffer, number: bigint): readonly Buffer[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  return [
    extension(AUTHORITY_KEY_ID, element(TAG.sequence, element(0x80, ski))),
    extension(CRL_NUMBER, unsigned(bytes)),
  ];
}

function extension(id: string, value: Buffer): Buffer {
  return element(TAG.sequence, encode(oid(id)), element(TAG.octetString, value));
}

function time(ms: number): Buffer {
  const text = timeText(Math.floor(ms / 1_000) * 1_000);
  return element(text.length === 13 ? TAG.utcTime : TAG.generalizedTime, Buffer.from(text, 'latin1'));
}
