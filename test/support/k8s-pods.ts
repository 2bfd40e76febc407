// SPDX-License-Identifier: Apache-2.0
/** Pods as a kubelet lists them, and callers in their cgroups, as far as a test cares. */
import type { CgroupMounts } from '../../src/peer/cgroup-owner.ts';
import { cgroupRelation } from '../../src/peer/cgroup-relation.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import { rootOwnedCgroup } from '../../src/peer/root-owned-cgroup.ts';
import { TestProcess } from './lone.ts';

export const UID_A = '6bd3e5f1-8f5e-4b4b-9d2a-0a4e2b6c7d8e';
export const UID_B = '7bd3e5f1-8f5e-4b4b-9d2a-0a4e2b6c7d8f';
/** A container's id made of two hex digits. */
export const idOf = (pair: string): string => pair.repeat(32);

export interface StatusJson {
  readonly name: string;
  /** Two hex digits; without it, it has no id yet. */
  readonly id?: string;
  readonly image?: string;
  readonly imageID?: string;
}

export interface PodWords {
  readonly uid?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly containers?: readonly StatusJson[];
  readonly init?: readonly StatusJson[];
  readonly ephemeral?: readonly StatusJson[];
  readonly spec?: object;
  readonly metadata?: object;
}

export function podJson(words: PodWords = {}): object {
  const { uid = UID_A, name = 'web', labels = { app: 'web' }, annotations = {} } = words;
  return {
    metadata: { name, namespace: 'shop', uid, labels, annotations, ...words.metadata },
    spec: { serviceAccountName: 'seller', nodeName: 'node1', ...words.spec },
    status: {
      phase: 'Running',
      containerStatuses: (words.containers ?? [{ name: 'main', id: 'aa' }]).map(status),
      ...(words.init === undefined ? {} : { initContainerStatuses: words.init.map(status) }),
      ...(words.ephemeral === undefined ? {} : { ephemeralContainerStatuses: words.ephemeral.map(status) }),
    },
  };
}

function status({ name, id, image = `${name}:1`, imageID = `docker-pullable://${name}@sha256:1` }: StatusJson): object {
  return { name, image, imageID, ...(id === undefined ? {} : { containerID: `containerd://${idOf(id)}` }) };
}

export function podList(...pods: readonly object[]): object {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.length === 0 ? null : pods };
}

/** Where the kubelet with the cgroupfs driver puts a container. */
export const cgroupOf = (uid = UID_A, id = 'aa'): string => `/kubepods/besteffort/pod${uid}/${idOf(id)}`;

const MOUNTS: CgroupMounts = { unified: '/cg', systemd: undefined, named: new Map([['memory', '/cg-memory']]) };

export interface CgroupCaller {
  /** The text of /proc/PID/cgroup, or the one path of the unified hierarchy. */
  readonly cgroup: string;
  /** Folders that are not root's, below `/cg`. */
  readonly owners?: Readonly<Record<string, number>>;
  /** Where other processes are, by pid. */
  readonly others?: ReadonlyMap<number, string>;
  readonly mounts?: CgroupMounts;
}

/** A process with real rules about its cgroups, which are made up. */
export function callerIn({ cgroup, owners = {}, others = new Map(), mounts = MOUNTS }: CgroupCaller): ProcessHandle {
  const memberships = (text: string) => parseCgroups(Buffer.from(text.startsWith('/') ? `0::${text}\n` : text));
  const ownerOf = (folder: string): number => owners[folder.replace(/^\/cg(-memory)?/, '')] ?? 0;
  return Object.assign(new TestProcess(), {
    cgroups: async () => memberships(cgroup),
    withinRootOwnedCgroup: async (isNamed: (path: string) => boolean) =>
      rootOwnedCgroup(memberships(cgroup), isNamed, mounts, ownerOf),
    withinCgroupOf: async (leader: number, isNamed: (path: string) => boolean) => {
      const theirs = others.get(leader);
      if (theirs === undefined) return { within: false as const, reason: `the process ${leader} is gone` };
      return cgroupRelation(memberships(cgroup), memberships(theirs), isNamed, mounts, 0, ownerOf);
    },
  });
}
