// SPDX-License-Identifier: Apache-2.0
/**
 * Which file a command means, as a shell finds it, and what the kernel will make of it. Whatever could go wrong with an
 * exec is looked for before: once it has begun there is nobody left to say so (Node ends itself then).
 */
import { createHash } from 'node:crypto';
import { access, constants, type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { splitDevice } from '../lib/device-number.ts';
import { Failure, quote } from '../lib/failure.ts';

/** Where a shell without PATH looks (POSIX, `_CS_PATH`). */
const DEFAULT_PATH = '/bin:/usr/bin';

export async function findProgram(command: string, path: string | undefined): Promise<string> {
  if (command.includes('/')) {
    const fault = await faultOf(command);
    if (fault === undefined) return command;
    throw fault === 'absent' ? notFound(command, 'there is no such file') : notExecutable(command, fault);
  }
  let refused: Failure | undefined;
  for (const folder of (path ?? DEFAULT_PATH).split(':')) {
    const candidate = join(folder === '' ? '.' : folder, command);
    // As execvp(3): a name that PATH led to is called by its path, also below the present folder.
    const called = candidate.includes('/') ? candidate : `./${candidate}`;
    const fault = command === '' ? 'absent' : await faultOf(called);
    if (fault === undefined) return called;
    if (fault !== 'absent') refused ??= notExecutable(called, fault);
  }
  throw refused ?? notFound(command, 'it is in no folder of PATH');
}

/** What the kernel will run, for the daemon to know it by; undefined where it cannot be told. */
export interface Announcement {
  readonly major: bigint;
  readonly minor: bigint;
  readonly inode: bigint;
  readonly argumentsSha256: Buffer;
}

export async function announcement(program: string, argv: readonly string[]): Promise<Announcement | undefined> {
  const image = await imageOf(program, argv, 0);
  if (image === undefined) return undefined;
  const { dev, ino } = await stat(image.file, { bigint: true });
  const bytes = image.argv.map((argument) => `${argument}\0`).join('');
  return { ...splitDevice(dev), inode: ino, argumentsSha256: createHash('sha256').update(bytes).digest() };
}

interface Image {
  readonly file: string;
  readonly argv: readonly string[];
}

/** BINPRM_BUF_SIZE of linux/binfmts.h. */
const HEAD_BYTES = 256;
/** Scripts whose interpreters are scripts: fs/exec.c gives up after so many. */
const DEEPEST = 5;

/** Undefined for a program that may be run and not read. */
async function imageOf(file: string, argv: readonly string[], depth: number): Promise<Image | undefined> {
  const head = await headOf(file);
  if (head === undefined) return undefined;
  if (head.startsWith('\u007fELF')) return { file, argv };
  if (!head.startsWith('#!'))
    throw notExecutable(file, 'it is neither an ELF program nor a script that begins with #!');
  if (depth >= DEEPEST) throw notExecutable(file, 'its interpreters are scripts of scripts of scripts');
  const script = interpreterOf(head);
  if (script === undefined) throw notExecutable(file, 'its first line names no interpreter');
  const fault = await faultOf(script.interpreter);
  if (fault !== undefined) {
    const why = fault === 'absent' ? 'does not exist' : fault;
    throw notExecutable(file, `its interpreter ${quote(script.interpreter)} ${why}`);
  }
  const argument = script.argument === undefined ? [] : [script.argument];
  return imageOf(script.interpreter, [script.interpreter, ...argument, file, ...argv.slice(1)], depth + 1);
}

/** As fs/binfmt_script.c reads the first line: one interpreter, and the rest as one argument. */
export function interpreterOf(head: string): { readonly interpreter: string; readonly argument?: string } | undefined {
  const end = head.search(/[\n\0]/);
  const line = (end < 0 ? head : head.slice(0, end)).slice(2).replace(/^[ \t]+|[ \t]+$/g, '');
  const [, interpreter, argument] = /^([^ \t]+)(?:[ \t]+(.*))?$/s.exec(line) ?? [];
  // A line that goes on beyond what the kernel reads: its interpreter must be whole at least.
  if (interpreter === undefined || (end < 0 && argument === undefined && head.length >= HEAD_BYTES)) return undefined;
  return argument === undefined ? { interpreter } : { interpreter, argument };
}

async function headOf(file: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Why this file cannot be executed by this process, or undefined. */
async function faultOf(
  file: string,
): Promise<'absent' | 'is a folder' | 'is no regular file' | 'may not be executed by this user' | undefined> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) return 'is a folder';
    if (!found.isFile()) return 'is no regular file';
    await access(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'may not be executed by this user';
  }
}

function notFound(command: string, why: string): Failure {
  const shown = quote(command);
  return new Failure('not-found', 'PROGRAM_NOT_FOUND', `${shown} was not found: ${why}`, {
    field: 'CMD',
    value: shown,
  });
}

function notExecutable(file: string, why: string): Failure {
  const shown = quote(file);
  const text = /^its? /.test(why) ? why : `it ${why}`;
  return new Failure('failed-precondition', 'PROGRAM_NOT_EXECUTABLE', `${shown} cannot be executed: ${text}`, {
    field: 'CMD',
    value: shown,
  });
}
