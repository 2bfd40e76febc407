// SPDX-License-Identifier: Apache-2.0
/** Attack A10 on real cgroups: the caller, the process that an authority names, and who made the folders. */
import { describe, expect } from '@jest/globals';
import type { CgroupRelation } from '../../src/peer/process-handle.ts';
import { TestCgroup } from '../support/cgroups.ts';
import { type Accepted, asRoot, PeerBench } from '../support/peers.ts';

const ID = 'ab'.repeat(32);
const USER = 4302;
const isNamed = (path: string): boolean => path.split('/').at(-1)?.includes(ID) === true;
const top = `/assay-within-${process.pid}`;

/** A caller and another process, each moved to its place before it connects. */
async function both(caller: TestCgroup, leader: TestCgroup): Promise<{ accepted: Accepted; leader: number }> {
  const bench = await PeerBench.open();
  const [one, first] = [await bench.caller(), await bench.caller()];
  caller.move(one.pid);
  leader.move(first.pid);
  return { accepted: await bench.connect(one), leader: first.pid };
}

async function relation(caller: TestCgroup, leader: TestCgroup, authority?: number): Promise<CgroupRelation> {
  const { accepted, leader: pid } = await both(caller, leader);
  return accepted.peer.process.withinCgroupOf(pid, isNamed, authority);
}

const reason = (found: CgroupRelation): string => (found.within ? `within ${found.path}` : found.reason);

describe('a process', () => {
  asRoot('is within the cgroup of another that root made, wherever below it both are', async () => {
    const container = TestCgroup.make(`${top}/docker-${ID}.scope`);
    const inner = TestCgroup.make(`${top}/docker-${ID}.scope/container`);
    const below = TestCgroup.make(`${top}/docker-${ID}.scope/made/inside`);
    expect(await relation(container, container)).toEqual({ within: true, path: container.path });
    expect(await relation(below, inner)).toEqual({ within: true, path: container.path });
  });

  asRoot('A10: is not within what it made itself, nor where a user made a folder on the way', async () => {
    const container = TestCgroup.make(`${top}/docker-${ID}.scope`);
    const forged = TestCgroup.make(`${top}-forged/docker-${ID}.scope`, USER);
    expect(reason(await relation(forged, container))).toBe('its cgroup is not in the one of that name');
    expect(reason(await relation(forged, forged))).toBe(`${top}-forged is owned by uid ${USER}`);
  });

  asRoot('A10: is not within anything of a process that has ended', async () => {
    const container = TestCgroup.make(`${top}/docker-${ID}.scope`);
    const { accepted, leader } = await both(container, container);
    process.kill(leader, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(reason(await accepted.peer.process.withinCgroupOf(leader, isNamed))).toMatch(/is gone|in no cgroup/);
  });

  asRoot('A13: is within what a rootless engine speaks for below the manager of its user alone', async () => {
    TestCgroup.make(`/user.slice/user-${USER}.slice`);
    const path = `/user.slice/user-${USER}.slice/user@${USER}.service/libpod-${ID}.scope`;
    const rootless = TestCgroup.make(path, USER);
    expect(await relation(rootless, rootless, USER)).toEqual({ within: true, path });
    expect(reason(await relation(rootless, rootless))).toMatch(/own manager/);
    const container = TestCgroup.make(`${top}/docker-${ID}.scope`);
    expect(reason(await relation(container, container, USER))).toMatch(/is not of the manager of uid 4302/);
  });
});
