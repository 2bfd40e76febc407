// SPDX-License-Identifier: Apache-2.0
/** A process that is not there, for tests of attestors: it lives, and gives what it is told to give. */
import type { ProcessHandle } from './plugin.ts';

/** Unless told: pid 4242 of uid and gid 1000, in no cgroup of its own, its executable not readable. */
export function madeUpProcess(some: Partial<ProcessHandle> = {}): ProcessHandle {
  const { pid = 4242, uid = 1000, gid = 1000 } = some;
  const unreadable = { readable: false, reason: 'the process is made up' } as const;
  return {
    pid,
    uid,
    gid,
    startTime: 1n,
    weak: false,
    key: `${pid}.1`,
    status: async () => ({ uid, gid, groups: [] }),
    exe: async () => unreadable,
    digest: async () => unreadable,
    script: async () => unreadable,
    scriptDigest: async () => unreadable,
    cgroups: async () => [{ hierarchy: 0, controllers: [], path: '/' }],
    withinCgroupOf: async () => ({ within: false, reason: 'the process is made up' }),
    withinRootOwnedCgroup: async () => ({ within: false, reason: 'the process is made up' }),
    stillSame: () => ({ same: true }),
    onEnd: () => () => undefined,
    ...some,
  };
}
