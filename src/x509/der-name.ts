// SPDX-License-Identifier: Apache-2.0
/**
 * Distinguished names (RFC 5280 section 4.1.2.4). They are compared as bytes, which RFC 5280 section 7.1 allows to be
 * too strict and which Go does as well; so only their shape is read, and that each value is what its tag says.
 */
import { isUtf8 } from 'node:buffer';
import { type DerCursor, invalid, TAG } from './der.ts';
import { readOid } from './der-oid.ts';

const UTF8_STRING = 0x0c;
const TELETEX_STRING = 0x14;
const UNIVERSAL_STRING = 0x1c;
const BMP_STRING = 0x1e;
/** NumericString, PrintableString, IA5String, UTCTime, GeneralizedTime, VisibleString. */
const ASCII_TAGS: ReadonlySet<number> = new Set([0x12, 0x13, 0x16, 0x17, 0x18, 0x1a]);

/** The whole name, tag and length included. */
export function readDistinguishedName(cursor: DerCursor, what: string): Buffer {
  const rdns = cursor.enter(TAG.sequence, what);
  while (rdns.more) {
    const attributes = rdns.enter(TAG.set, what);
    if (!attributes.more) throw invalid(what, 'it has an empty part');
    while (attributes.more) {
      const attribute = attributes.enter(TAG.sequence, what);
      readOid(attribute, what);
      readValue(attribute, what);
      attribute.finish(what);
    }
  }
  return cursor.element();
}

function readValue(attribute: DerCursor, what: string): void {
  attribute.next(what);
  // guard: X509-16 test/x509/parse.test.ts
  if (!isWritten(attribute)) throw invalid(what, 'a value is not what its tag says');
}

function isWritten(attribute: DerCursor): boolean {
  const { tag } = attribute;
  if (tag === UTF8_STRING) return isAscii(attribute) || isUtf8(attribute.content());
  if (ASCII_TAGS.has(tag)) return isAscii(attribute);
  const value = attribute.content();
  if (tag === BMP_STRING) return value.length % 2 === 0;
  if (tag === UNIVERSAL_STRING) return value.length % 4 === 0;
  if (tag === TAG.bitString) return value.length > 0 && value[0]! < 8;
  return tag === TELETEX_STRING;
}

/** Looks at the bytes in place: names are short, and a slice costs more than the look. */
function isAscii({ bytes, from, to }: DerCursor): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}
