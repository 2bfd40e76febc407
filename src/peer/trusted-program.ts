// SPDX-License-Identifier: Apache-2.0
/**
 * Is what a process runs one of the programs that a rule names? A program counts only while root alone can change it or
 * put another in its place: it is named by its real path, and the file and every folder above it belong to root and are
 * written by nobody else. These paths are an operator's, so nothing that a workload controls is read here.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { splitDevice } from '../lib/device-number.ts';
import { deviceNumber, type FileIdentity } from './statx.ts';

/** Which of `paths` is this file; otherwise in words why none is. */
export async function programAmong(
  paths: readonly string[],
  runs: FileIdentity,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const unfit: string[] = [];
  for (const path of paths) {
    const file = await trustedFile(path);
    if (typeof file === 'string') unfit.push(file);
    else if (file.device === runs.device && file.inode === runs.inode) return { path };
  }
  return { reason: ['it is none of the programs that the rule names', ...unfit].join('; ') };
}

/** The file's identity, or in words why it is not to be trusted. */
async function trustedFile(path: string): Promise<FileIdentity | string> {
  try {
    const real = await realpath(path);
    // guard: A12 test/peer/trusted-program.test.ts — whoever owns a link on the way decides where it leads
    if (real !== path) return `${path} is reached through a link: its real path is ${real}`;
    for (let at = path; ; at = dirname(at)) {
      const fault = faultOf(await lstat(at, { bigint: true }));
      // guard: A12 test/peer/trusted-program.test.ts — whoever writes a folder above puts another program there
      if (fault !== undefined) return `${at} ${fault}`;
      if (at === '/') break;
    }
    const stat = await lstat(path, { bigint: true });
    return stat.isFile() ? { device: deviceOf(stat), inode: stat.ino } : `${path} is no regular file`;
  } catch (error) {
    return `${path} cannot be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}

const OTHERS_WRITE = 0o022n;

function faultOf(stat: BigIntStats): string | undefined {
  if (stat.uid !== 0n) return `belongs to uid ${stat.uid}`;
  if ((stat.mode & OTHERS_WRITE) !== 0n) return 'can be written by others than root';
  return undefined;
}

function deviceOf({ dev }: BigIntStats): bigint {
  const { major, minor } = splitDevice(dev);
  return deviceNumber(major, minor);
}
