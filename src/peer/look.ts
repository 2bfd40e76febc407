// SPDX-License-Identifier: Apache-2.0
/**
 * Everything one look into /proc/PID tells that a workload can make wait. Taken in a helper process, by number; the
 * daemon proves it: its pidfd named that number before, and is alive afterwards (attack A4).
 */
import { type Baseline, readBaseline } from './baseline.ts';
import { NativeError } from './native-error.ts';
import type { ProcFolder } from './proc-look.ts';
import type { FileFacts } from './statx.ts';

export const NAMESPACE_KINDS = ['user', 'pid', 'mnt'] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

/** `mnt:[4026531841]`; undefined: not to be read. */
export type Namespaces = Readonly<Record<NamespaceKind, string | undefined>>;

export interface SeenExecutable {
  readonly file: FileFacts;
  readonly link: Uint8Array;
  /** The number that mountinfo prints. */
  readonly shortMountId: bigint;
}

export interface Look {
  readonly baseline: Baseline;
  readonly namespaces: Namespaces;
  /** A reason in words where it cannot be read. */
  readonly executable: SeenExecutable | string;
}

export function takeLook(folder: ProcFolder): Look {
  const executable = readExecutable(folder);
  const namespace = (kind: NamespaceKind): string | undefined => readNamespace(folder, kind);
  const namespaces = { user: namespace('user'), pid: namespace('pid'), mnt: namespace('mnt') };
  // Last: should an exec come in between, it shows here.
  return { executable, namespaces, baseline: readBaseline(folder) };
}

function readExecutable(folder: ProcFolder): SeenExecutable | string {
  try {
    return { file: folder.facts('exe'), link: folder.link('exe'), shortMountId: folder.shortMountId('exe') };
  } catch (error) {
    const reason = error instanceof NativeError ? unreadable(error) : undefined;
    if (reason === undefined) throw error;
    return reason;
  }
}

function readNamespace(folder: ProcFolder, kind: NamespaceKind): string | undefined {
  try {
    return folder.link(`ns/${kind}`).toString();
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

function unreadable(error: NativeError): string | undefined {
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'this daemon may not read the caller’s executable';
  if (error.code === 'ENOENT') return 'the process has no executable';
  return undefined;
}
