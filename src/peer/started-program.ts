// SPDX-License-Identifier: Apache-2.0
/**
 * What a launched process has become: is it what its launcher said, is it one of the programs that the rule names, and
 * where does it lie?
 */
import { ceilingSubject } from './ceilings.ts';
import type { FileReader } from './file-jobs.ts';
import type { AnnouncedProgram, LaunchEnd, LaunchTerms } from './launch-terms.ts';
import type { TrackedProcess } from './process.ts';
import type { Executable, Unreadable } from './process-handle.ts';
import { deviceNumber } from './statx.ts';
import { programAmong } from './trusted-program.ts';

export type Started =
  | { readonly path: string | undefined }
  /** In words for an operator. */
  | { readonly end: LaunchEnd; readonly why: string };

/** `counted`: the kernel reported this exec and none besides. */
export async function lookAtStarted(
  process: TrackedProcess,
  terms: LaunchTerms,
  counted: boolean,
  looks: FileReader,
  signal: AbortSignal,
): Promise<Started> {
  const exe = await process.exe(signal);
  if (!counted && !terms.allowExec) {
    const why = await notAnnounced(process, exe, terms.announced, looks, signal);
    // guard: A12, A5 test/peer/launch-sweep.test.ts — between two looks there may have been two execs
    if (why !== undefined) return { end: 'unseen', why };
  }
  if (terms.programs !== undefined) {
    const among = exe.readable ? await programAmong(terms.programs, exe) : exe;
    // guard: A12 test/peer/launch.test.ts
    if ('reason' in among) return { end: 'other-program', why: `${nameOf(exe)}: ${among.reason}` };
  }
  return { path: exe.readable ? exe.path : undefined };
}

function nameOf(exe: Executable | Unreadable): string {
  return exe.readable ? (exe.path ?? 'a program without a path') : 'a program that cannot be read';
}

/**
 * Where execs are found by looking, a second one that comes at once cannot be told from the first. Then the program
 * counts only if it is what the launcher said it would become, file and arguments: whoever comes in between and is the
 * same program with the same arguments makes no difference.
 */
async function notAnnounced(
  process: TrackedProcess,
  exe: Executable | Unreadable,
  announced: AnnouncedProgram | undefined,
  looks: FileReader,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (announced === undefined) return 'execs cannot be counted here, and the launcher did not say what it would become';
  if (!exe.readable) return `execs cannot be counted here, and what it became cannot be read: ${exe.reason}`;
  const differs = `execs cannot be counted here, and it is not what the launcher said it would become: ${nameOf(exe)}`;
  const device = deviceNumber(announced.deviceMajor, announced.deviceMinor);
  if (exe.device !== device || exe.inode !== announced.inode) return differs;
  const answer = await looks.run(ceilingSubject(process), { kind: 'arguments', pid: process.pid }, signal);
  // Of the same image: an exec before, or in between, ends this record.
  await process.takeLook(signal);
  if (answer.kind !== 'arguments') return 'execs cannot be counted here, and its arguments cannot be read';
  return answer.sha256 === announced.argumentsSha256 ? undefined : `${differs}, with other arguments`;
}
