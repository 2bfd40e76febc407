// SPDX-License-Identifier: Apache-2.0
/** OBJECT IDENTIFIERs (X.690 section 8.19), in dotted form. */
import { type DerCursor, invalid, TAG } from './der.ts';

/** An arc made of a UUID (X.667) has 19 bytes. */
const ARC_BYTES_MAX = 20;

/** Dotted form by content. Never grows: what is read from outside is not kept. */
const FREQUENT: ReadonlyMap<string, string> = new Map(
  // serverAuth, clientAuth; ecdsa-with-SHA256, id-ecPublicKey, prime256v1.
  ['2b06010505070301', '2b06010505070302', '2a8648ce3d040302', '2a8648ce3d0201', '2a8648ce3d030107'].map((hex) => {
    const content = Buffer.from(hex, 'hex');
    return [content.toString('latin1'), decode(content, 0, content.length, hex)];
  }),
);

/** Attribute types (2.5.4) and extensions (2.5.29) have three bytes, the last below 0x80, and are most of all there are. */
const ATTRIBUTE_TYPES = dottedBelow('2.5.4');
const EXTENSIONS = dottedBelow('2.5.29');

export function readOid(cursor: DerCursor, what: string): string {
  const { bytes, from, to } = cursor.expect(TAG.oid, what);
  if (to - from === 3 && bytes[from] === 0x55 && bytes[from + 2]! < 0x80) {
    if (bytes[from + 1] === 0x1d) return EXTENSIONS[bytes[from + 2]!]!;
    if (bytes[from + 1] === 0x04) return ATTRIBUTE_TYPES[bytes[from + 2]!]!;
  }
  return FREQUENT.get(bytes.toString('latin1', from, to)) ?? decode(bytes, from, to, what);
}

function dottedBelow(parent: string): readonly string[] {
  return Array.from({ length: 0x80 }, (_, last) => `${parent}.${last}`);
}

function decode(bytes: Buffer, from: number, to: number, what: string): string {
  if (to === from || bytes[to - 1]! >= 0x80) throw invalid(what, 'the OBJECT IDENTIFIER is cut off');
  const arcs: string[] = [];
  let arc = 0n;
  let length = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    // guard: X509-16 test/x509/parse.test.ts — X.690 8.19.2: no padding, or one OID would have many spellings
    if (length === 0 && byte === 0x80) throw invalid(what, 'the OBJECT IDENTIFIER is padded');
    length++;
    if (length > ARC_BYTES_MAX) throw invalid(what, 'the OBJECT IDENTIFIER has an arc beyond all bounds');
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    pushArc(arcs, arc);
    arc = 0n;
    length = 0;
  }
  return arcs.join('.');
}

/** The first two arcs share one number (X.690 section 8.19.4). */
function pushArc(arcs: string[], value: bigint): void {
  if (arcs.length > 0) {
    arcs.push(value.toString());
    return;
  }
  const top = value < 40n ? 0n : value < 80n ? 1n : 2n;
  arcs.push(top.toString(), (value - top * 40n).toString());
}
