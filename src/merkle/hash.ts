// SPDX-License-Identifier: Apache-2.0
/** The hashes of the tree (RFC 9162 section 2.1.1): SHA-256, with a byte before leaves and another before inner nodes. */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** Of a tree without leaves. */
export const EMPTY_ROOT = hash('sha256', '', 'buffer');

/** `text` as UTF-8. */
export function leafHash(text: string): Buffer {
  return sha256(`\u0000${text}`);
}

const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return sha256(pair);
}

/**
 * By way of text: a Buffer that `hash` makes has memory of its own outside the heap, which costs five times what the hash of
 * a short text does. Those of `Buffer.from` share a block.
 */
export function sha256(data: string | Uint8Array): Buffer {
  return Buffer.from(hash('sha256', data, 'hex'), 'hex');
}
