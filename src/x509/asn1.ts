// SPDX-License-Identifier: Apache-2.0
/**
 * Writes DER with node-forge's ASN.1 layer (decision 3). Values only; what a certificate holds is in `profile.ts`.
 * forge's strings are bytes, one character each; nothing outside this file sees that.
 */

import type { asn1 as forge } from 'node-forge';
import asn1 from 'node-forge/lib/asn1.js';

export type Node = forge.Asn1;

const { Class, Type } = asn1;

export function encode(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** A node out of DER that someone else encoded, such as an issuer's name. */
export function decoded(der: Buffer): Node {
  return asn1.fromDer(der.toString('latin1'));
}

export const sequence = (...items: Node[]): Node => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
export const set = (...items: Node[]): Node => asn1.create(Class.UNIVERSAL, Type.SET, true, items);
export const oid = (dotted: string): Node => primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
export const boolean = (value: boolean): Node => primitive(Type.BOOLEAN, value ? '\xff' : '\x00');
export const octets = (bytes: Buffer): Node => primitive(Type.OCTETSTRING, bytes.toString('latin1'));
/** Text that is UTF-8. */
export const utf8 = (text: string): Node => primitive(Type.UTF8, Buffer.from(text).toString('latin1'));
/** Text of the Basic Multilingual Plane; forge makes the two bytes of each character. */
export const bmp = (text: string): Node => primitive(Type.BMPSTRING, text);
export const nothing = (): Node => primitive(Type.NULL, '');
export const printable = (text: string): Node => primitive(Type.PRINTABLESTRING, text);

/** A positive INTEGER from its bytes, whose first is below 0x80 and not zero. */
export const integer = (bytes: Buffer): Node => primitive(Type.INTEGER, bytes.toString('latin1'));

/** A UTCTime or GeneralizedTime, by the length of its text. */
export const time = (text: string): Node => primitive(text.length === 13 ? Type.UTCTIME : Type.GENERALIZEDTIME, text);

/** A named bit list: the highest `count` bits of `bits`, the last of which is set (X.690 section 11.2.2). */
export const namedBits = (bits: number, count: number): Node =>
  primitive(Type.BITSTRING, String.fromCharCode(8 - count, bits));

/** `[number]`, explicit or constructed. */
export const tagged = (number: number, ...items: Node[]): Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, number as forge.Type, true, items);

/** `[number] IMPLICIT` over a primitive. */
export const taggedBytes = (number: number, bytes: Buffer): Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, number as forge.Type, false, bytes.toString('latin1'));

function primitive(type: forge.Type, value: string): Node {
  return asn1.create(Class.UNIVERSAL, type, false, value);
}
