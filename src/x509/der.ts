// SPDX-License-Identifier: Apache-2.0
/**
 * A reader for DER (X.690 section 10) that takes nothing else: definite, minimal lengths, low tag numbers, one
 * encoding for each value. It walks a buffer without copying it, allocates one object per level entered, and never
 * recurses, so the depth of hostile input does not matter.
 *
 * It is ours although node-forge writes our certificates: forge reads BER, and a certificate checked by the code
 * that wrote it is not checked (I2).
 */
import { Failure } from '../lib/failure.ts';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Larger than any certificate worth reading, and small enough that lengths need no more than four octets. */
const LENGTH_OCTETS_MAX = 4;

export function invalid(what: string, reason: string): Failure {
  return new Failure('invalid-argument', 'CERTIFICATE_INVALID', `certificate refused: ${what}: ${reason}`, {
    field: what,
    hint: 'give a certificate in DER as RFC 5280 describes it',
  });
}

export class DerCursor {
  readonly bytes: Buffer;
  readonly end: number;
  /** Where the next element begins. */
  at: number;
  /** The element read last: its tag, where its tag stands, and its content. */
  tag = -1;
  start = 0;
  from = 0;
  to = 0;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = from;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** The next element's tag, or -1 at the end. */
  get upcoming(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  /** Reads the next element's header and steps behind the element. */
  next(what: string): this {
    const { bytes, end } = this;
    let at = this.at;
    if (end - at < 2) throw invalid(what, 'it ends too early');
    this.start = at;
    this.tag = bytes[at++]!;
    // guard: X509-16 test/x509/der.test.ts
    if ((this.tag & 0x1f) === 0x1f) throw invalid(what, 'a tag number above 30 stands where none belongs');
    let length = bytes[at++]!;
    if (length >= 0x80) {
      length = longLength(bytes, at, end, length & 0x7f, what);
      at += bytes[at - 1]! & 0x7f;
    }
    // guard: X509-16 test/x509/der.test.ts
    if (length > end - at) throw invalid(what, 'it is longer than what holds it');
    this.from = at;
    this.to = at + length;
    this.at = this.to;
    return this;
  }

  /** As `next`, and the tag is the one given. */
  expect(tag: number, what: string): this {
    this.next(what);
    // guard: X509-16 test/x509/der.test.ts
    if (this.tag !== tag) throw invalid(what, `tag ${hex(this.tag)} stands where ${hex(tag)} belongs`);
    return this;
  }

  /** Reads the next element and returns a cursor over its content. */
  enter(tag: number, what: string): DerCursor {
    this.expect(tag, what);
    return new DerCursor(this.bytes, this.from, this.to);
  }

  /** True when the next element has `tag`; reads it then. */
  optional(tag: number, what: string): boolean {
    if (this.upcoming !== tag) return false;
    this.next(what);
    return true;
  }

  /** The content read last; shares memory. */
  content(): Buffer {
    return this.bytes.subarray(this.from, this.to);
  }

  /** The element read last, tag and length included; shares memory. */
  element(): Buffer {
    return this.bytes.subarray(this.start, this.to);
  }

  /** Nothing may follow (CLI-05). */
  finish(what: string): void {
    // guard: CLI-05 test/x509/der.test.ts
    if (this.at !== this.end) throw invalid(what, `${this.end - this.at} bytes follow where it should end`);
  }
}

function longLength(bytes: Buffer, from: number, end: number, octets: number, what: string): number {
  // guard: X509-16 test/x509/der.test.ts — X.690 10.1: the indefinite form is not DER
  if (octets === 0) throw invalid(what, 'its length is indefinite');
  if (octets > LENGTH_OCTETS_MAX || octets > end - from) throw invalid(what, 'its length is beyond all bounds');
  let length = 0;
  for (let i = 0; i < octets; i++) length = length * 256 + bytes[from + i]!;
  // guard: X509-16 test/x509/der.test.ts — X.690 10.1: the shortest form only
  if (length < 0x80 || length < 256 ** (octets - 1)) throw invalid(what, 'its length is not in the shortest form');
  return length;
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
