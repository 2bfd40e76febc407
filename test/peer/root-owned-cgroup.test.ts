// SPDX-License-Identifier: Apache-2.0
/** Attack A10: a name in the cgroup tree counts where root alone can have given it. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cgroupMounts } from '../../src/peer/cgroup-owner.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';
import type { CgroupRelation } from '../../src/peer/process-handle.ts';
import { rootOwnedCgroup } from '../../src/peer/root-owned-cgroup.ts';
import { asRoot, PeerBench } from '../support/peers.ts';

const mounts = {
  unified: '/cg',
  systemd: '/cg-systemd',
  named: new Map([
    ['name=systemd', '/cg-systemd'],
    ['memory', '/cg-memory'],
  ]),
};
const isNamed = (path: string): boolean => path === '/pods/mine';

/** `owners`: folder below its mount to uid; root's where not listed. */
function relation(caller: string, owners: Record<string, number | undefined> = {}, at: typeof mounts = mounts) {
  return rootOwnedCgroup(parseCgroups(Buffer.from(caller)), isNamed, at, (folder) =>
    folder in owners ? owners[folder] : 0,
  );
}
const reason = (found: CgroupRelation): string => (found.within ? `within ${found.path}` : found.reason);

describe('a process', () => {
  it.each([
    ['in the cgroup', '0::/pods/mine\n'],
    ['below it', '0::/pods/mine/made/inside\n'],
    ['in it by one hierarchy of version 1', '3:memory:/pods/mine\n2:name=systemd:/\n0::/\n'],
    ['in it whatever is called the same further down', '0::/pods/mine/pods/mine\n'],
  ])('%s is within', (_name, caller) => {
    expect(relation(caller)).toEqual({ within: true, path: '/pods/mine' });
  });

  it.each([
    ['elsewhere', '0::/pods/other\n'],
    ['in a cgroup of that name elsewhere', '0::/user.slice/pods/mine\n'],
    ['in a neighbour whose name begins the same', '0::/pods/mine2\n'],
    ['above it', '0::/pods\n'],
  ])('A10: %s is not', (_name, caller) => {
    expect(relation(caller)).toEqual({ within: false, reason: 'it is in no cgroup of that name' });
  });

  it('A10: is not when any folder on the way down is another uid’s, or is gone', () => {
    expect(reason(relation('0::/pods/mine\n', { '/cg/pods': 1234 }))).toBe('/pods is owned by uid 1234');
    expect(reason(relation('0::/pods/mine/x\n', { '/cg/pods/mine': 1234 }))).toBe('/pods/mine is owned by uid 1234');
    expect(reason(relation('0::/pods/mine\n', { '/cg/pods': undefined }))).toBe('/pods is gone');
    expect(relation('0::/pods/mine/x\n', { '/cg/pods/mine/x': 1234 }).within).toBe(true);
  });

  it('A10: is not on version 1 when one hierarchy of that name is another uid’s', () => {
    const both = '3:memory:/pods/mine\n2:name=systemd:/pods/mine\n';
    expect(relation(both).within).toBe(true);
    expect(reason(relation(both, { '/cg-systemd/pods': 1000 }))).toBe('/pods is owned by uid 1000');
  });

  it('A10: is not where no hierarchy can be verified, which is told apart from another uid’s', () => {
    const unmounted = { ...mounts, unified: undefined } as never;
    const found = relation('0::/pods/mine\n', {}, unmounted);
    expect(found).toMatchObject({ within: false, unverifiable: true });
    expect(reason(found)).toMatch(/not mounted here/);
  });
});

describe('a real process', () => {
  const mounted = cgroupMounts().named.get('name=systemd') ?? cgroupMounts().unified;
  const cgroup = `/assay-test-${process.pid}`;
  const folder = join(mounted ?? '/nowhere', cgroup);
  const inCgroups = mounted === undefined ? it.skip : asRoot;

  inCgroups('A10: is within a cgroup of root’s that it was put in, and in no other', async () => {
    const bench = await PeerBench.open();
    mkdirSync(folder);
    const caller = await bench.caller();
    try {
      writeFileSync(join(folder, 'cgroup.procs'), String(caller.pid));
      const { peer } = await bench.connect(caller);
      const within = (path: string) => peer.process.withinRootOwnedCgroup((one) => one === path);
      expect(await within(cgroup)).toEqual({ within: true, path: cgroup });
      expect((await within('/another')).within).toBe(false);
    } finally {
      await caller.end();
      rmdirSync(folder);
    }
  });
});
