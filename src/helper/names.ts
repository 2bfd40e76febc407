// SPDX-License-Identifier: Apache-2.0
/** The names of what the helper needs in a folder besides the configured ones. */
import { createHash } from 'node:crypto';
import type { Random } from '../lib/random.ts';

const POINTER = /^\.assay-[0-9a-f]{8}$/;
const BESIDES = /^(\.assay-[0-9a-f]{8})\.[0-9a-f]{16}(?:\.link)?$/;

/** The pointer of a set: by the names in it, so that sets of other names in one folder keep apart. */
export function pointerOf(names: readonly string[]): string {
  const digest = createHash('sha256')
    .update([...names].sort().join('/'))
    .digest('hex');
  return `.assay-${digest.slice(0, 8)}`;
}

export const newNameBeside = (pointer: string, random: Random): string =>
  `${pointer}.${random.bytes(8).toString('hex')}`;

export const isPointer = (name: string): boolean => POINTER.test(name);

/** The pointer that a version, a fresh file or a fresh link belongs to. */
export const pointerBehind = (name: string): string | undefined => BESIDES.exec(name)?.[1];
