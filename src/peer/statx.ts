// SPDX-License-Identifier: Apache-2.0
/** What statx(2) says, read out of struct statx (linux/stat.h). */
import { STATX_BASIC, STATX_BTIME, STATX_MNT_ID, STATX_MNT_ID_UNIQUE, statxAt } from './native.ts';

export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

export interface FileFacts extends FileIdentity {
  readonly regular: boolean;
  readonly size: bigint;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  /** 0 where the file system keeps none. */
  readonly birthTimeNs: bigint;
  /** Of the mount, never reused, since Linux 6.8; before, `mountIdUnique` is false. */
  readonly mountId: bigint;
  readonly mountIdUnique: boolean;
}

const record = Buffer.alloc(256);
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

const timeAt = (offset: number): bigint =>
  record.readBigInt64LE(offset) * 1_000_000_000n + BigInt(record.readUInt32LE(offset + 8));
const deviceAt = (offset: number): bigint =>
  deviceNumber(BigInt(record.readUInt32LE(offset)), BigInt(record.readUInt32LE(offset + 4)));

/** As `FileIdentity` has it. */
export function deviceNumber(major: bigint, minor: bigint): bigint {
  return (major << 32n) | minor;
}

/** Follows the link; an empty path means the descriptor itself. */
export function statIdentity(folder: number, path: string): FileIdentity {
  statxAt(folder, path, STATX_BASIC, record);
  return { device: deviceAt(136), inode: record.readBigUInt64LE(32) };
}

export function statFacts(folder: number, path: string): FileFacts {
  statxAt(folder, path, STATX_BASIC | STATX_BTIME | STATX_MNT_ID_UNIQUE, record);
  const mask = record.readUInt32LE(0);
  const unique = (mask & STATX_MNT_ID_UNIQUE) !== 0;
  const facts = {
    device: deviceAt(136),
    inode: record.readBigUInt64LE(32),
    regular: (record.readUInt16LE(28) & S_IFMT) === S_IFREG,
    size: record.readBigUInt64LE(40),
    modifiedNs: timeAt(112),
    changedNs: timeAt(96),
    birthTimeNs: (mask & STATX_BTIME) === 0 ? 0n : timeAt(80),
  };
  const mountId = unique ? record.readBigUInt64LE(144) : shortMountId(folder, path);
  return { ...facts, mountId, mountIdUnique: unique };
}

/** The number that /proc/PID/mountinfo prints first; reused after an unmount. 0 before Linux 5.8. */
export function shortMountId(folder: number, path: string): bigint {
  statxAt(folder, path, STATX_MNT_ID, record);
  return (record.readUInt32LE(0) & STATX_MNT_ID) === 0 ? 0n : record.readBigUInt64LE(144);
}
