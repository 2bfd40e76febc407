// SPDX-License-Identifier: Apache-2.0
/**
 * The detail of a refused call, as clients in every language read it: `google.rpc.Status` with one `google.rpc.ErrorInfo`
 * in the trailing metadata `grpc-status-details-bin` (googleapis google/rpc/status.proto and error_details.proto; the
 * name of the header is that of grpc-go's internal/transport). Written by hand: two small messages.
 */

const TYPE_URL = 'type.googleapis.com/google.rpc.ErrorInfo';
const DOMAIN = 'assay';
/** Clients bound all trailers together, some at 8 KiB; the whole texts travel as `assay-*`. */
const LONGEST_VALUE = 256;

export const DETAILS_HEADER = 'grpc-status-details-bin';

export interface ErrorInfo {
  readonly code: number;
  readonly message: string;
  readonly reason: string;
  /** Field, value and hint, where there are some. */
  readonly about: ReadonlyMap<string, string>;
}

export function encodeErrorInfo({ code, message, reason, about }: ErrorInfo): Buffer {
  const pairs = [...about].map(([key, value]) => bytesField(3, [textField(1, key), textField(2, cut(value))]));
  const info = Buffer.concat([textField(1, reason), textField(2, DOMAIN), ...pairs]);
  const any = [textField(1, TYPE_URL), bytesField(2, [info])];
  return Buffer.concat([Buffer.from([0x08]), varint(code), textField(2, cut(message)), bytesField(3, any)]);
}

function cut(text: string): string {
  return text.length <= LONGEST_VALUE ? text.toWellFormed() : text.slice(0, LONGEST_VALUE).toWellFormed();
}

function textField(number: number, text: string): Buffer {
  return bytesField(number, [Buffer.from(text)]);
}

/** Wire type 2, length-delimited (protobuf.dev/programming-guides/encoding). */
function bytesField(number: number, parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}
