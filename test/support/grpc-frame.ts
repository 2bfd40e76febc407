// SPDX-License-Identifier: Apache-2.0
/** One message as gRPC puts it on a stream (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export function grpcFrame(message: Buffer = Buffer.alloc(0), compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
