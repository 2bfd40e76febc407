// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a caller lives where the daemon lives (attack B3: root of a container without a user namespace reads as uid 0).
 * What cannot be read counts as elsewhere.
 */
import { NAMESPACE_KINDS, type NamespaceKind, type Namespaces } from './look.ts';
import { AT_FDCWD, readLinkAt } from './native.ts';
import { NativeError } from './native-error.ts';
import { readText } from './proc-look.ts';

/** Of this process; undefined where /proc does not say. */
export function ownNamespaces(): Namespaces {
  return { user: ownNamespace('user'), pid: ownNamespace('pid'), mnt: ownNamespace('mnt') };
}

function ownNamespace(kind: NamespaceKind): string | undefined {
  try {
    return readLinkAt(AT_FDCWD, `/proc/self/ns/${kind}`, Buffer.alloc(256)).toString();
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}

export function shareNamespaces(own: Namespaces, theirs: Namespaces | undefined): boolean {
  // guard: B3 test/peer/namespaces.test.ts
  if (NAMESPACE_KINDS.some((kind) => own[kind] === undefined || theirs?.[kind] !== own[kind])) return false;
  return true;
}

/** CAP_SYS_PTRACE, bit 19, lets a process look at executables of other uids (ptrace(2)). */
export function mayLookAtOthers(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText(AT_FDCWD, '/proc/self/status'))?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) & (1n << 19n)) !== 0n;
}

/** Ids that are not mapped into a user namespace read as these (user_namespaces(7)); attack A9. */
export function overflowId(kind: 'uid' | 'gid'): number | undefined {
  // One line that maps everything onto itself: no id can be unmapped.
  if (/^\s*0\s+0\s+4294967295\s*$/.test(readText(AT_FDCWD, `/proc/self/${kind}_map`))) return undefined;
  return Number(readText(AT_FDCWD, `/proc/sys/kernel/overflow${kind}`));
}
