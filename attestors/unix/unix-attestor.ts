// SPDX-License-Identifier: Apache-2.0
/**
 * Selectors every Linux process has, in SPIRE's spelling (doc/plugin_agent_workloadattestor_unix.md), so that entries
 * move over unchanged. What comes from uid and gid is the kernel's word; the executable's path and digest are claimed:
 * whoever may run a program can make a process of his own look like it (attack A1).
 */
import type {
  Attestation,
  Attestor,
  Facts,
  FoundSelector,
  LeftOut,
  ProcessHandle,
  Strength,
} from '../../src/attestation/plugin.ts';
import type { AccountNames } from './account-names.ts';

export interface UnixAttestorOptions {
  readonly path: boolean;
  readonly sha256: boolean;
  /** Also give `path` for callers in another mount namespace: what their own root calls the file. */
  readonly pathInContainers: boolean;
  readonly users: AccountNames;
  /** Does anybody want a digest now? Asked at each look; without it, always. */
  readonly wantSha256?: () => boolean;
}

const KINDS: ReadonlyMap<string, Strength> = new Map([
  ['uid', 'kernel'],
  ['user', 'kernel'],
  ['gid', 'kernel'],
  ['group', 'kernel'],
  ['supplementary_gid', 'kernel'],
  ['supplementary_group', 'kernel'],
  // guard: A1 test/attestors/unix/forgery.test.ts
  ['path', 'claimed'],
  // guard: A1 test/attestors/unix/forgery.test.ts
  ['sha256', 'claimed'],
]);

export function unixAttestor(options: UnixAttestorOptions): Attestor {
  return {
    name: 'unix',
    kinds: KINDS,
    attest: (process, signal, everything = false) => attest(process, signal, everything, options),
  };
}

async function attest(
  process: ProcessHandle,
  signal: AbortSignal,
  everything: boolean,
  options: UnixAttestorOptions,
): Promise<Attestation> {
  const found = new Findings();
  const { groups } = await process.status();
  const { uid, gid } = process;
  found.give('uid', String(uid));
  found.giveName('user', options.users.user(uid), `uid ${uid} is not in /etc/passwd`);
  found.give('gid', String(gid));
  found.giveName('group', options.users.group(gid), `gid ${gid} is not in /etc/group`);
  for (const id of groups) {
    found.give('supplementary_gid', String(id));
    found.giveName('supplementary_group', options.users.group(id), `gid ${id} is not in /etc/group`);
  }
  const facts: Record<string, Facts[string]> = { uid, gid, groups };
  if (options.path) await addPath(process, signal, options.pathInContainers, found, facts);
  else found.leaveOut('path', 'attestors.unix.path is off');
  const wanted = everything || options.wantSha256?.() !== false;
  await addSha256(process, signal, { ...options, wanted }, found, facts);
  return { applies: true, selectors: found.selectors, facts, leftOut: found.leftOut };
}

async function addPath(
  process: ProcessHandle,
  signal: AbortSignal,
  inContainers: boolean,
  found: Findings,
  facts: Record<string, Facts[string]>,
): Promise<void> {
  const exe = await process.exe(signal);
  if (!exe.readable) return found.leaveOut('path', exe.reason);
  const path = exe.path ?? (inContainers ? exe.containerPath : undefined);
  if (path === undefined) return found.leaveOut('path', exe.pathReason ?? 'the executable has no path');
  found.give('path', path);
  facts['path'] = path;
}

async function addSha256(
  process: ProcessHandle,
  signal: AbortSignal,
  options: { readonly sha256: boolean; readonly wanted: boolean },
  found: Findings,
  facts: Record<string, Facts[string]>,
): Promise<void> {
  if (!options.sha256) return found.leaveOut('sha256', 'attestors.unix.sha256 is off');
  if (!options.wanted) return found.leaveOut('sha256', 'no entry names a sha256 selector', true);
  const digest = await process.digest(signal);
  if (!digest.readable) return found.leaveOut('sha256', digest.reason);
  found.give('sha256', digest.sha256);
  facts['sha256'] = digest.sha256;
}

class Findings {
  readonly selectors: FoundSelector[] = [];
  readonly leftOut: LeftOut[] = [];

  give(kind: string, value: string): void {
    const strength = KINDS.get(kind);
    if (strength === undefined) throw new TypeError(`unix has no selector kind ${kind}`);
    this.selectors.push({ value: `${kind}:${value}`, strength });
  }

  giveName(kind: string, name: string | undefined, reason: string): void {
    if (name === undefined) this.leaveOut(kind, reason);
    else this.give(kind, name);
  }

  leaveOut(kind: string, reason: string, onDemand = false): void {
    this.leftOut.push({ kind, reason, ...(onDemand ? { onDemand } : {}) });
  }
}
