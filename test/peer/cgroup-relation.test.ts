// SPDX-License-Identifier: Apache-2.0
/** Attack A10: names in the cgroup tree are chosen by whoever owns that part of it. */
import { describe, expect, it } from '@jest/globals';
import { cgroupRelation } from '../../src/peer/cgroup-relation.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';
import type { CgroupRelation } from '../../src/peer/process-handle.ts';

const ID = 'ab'.repeat(32);
const mounts = {
  unified: '/cg',
  systemd: '/cg-systemd',
  named: new Map([
    ['name=systemd', '/cg-systemd'],
    ['memory', '/cg-memory'],
  ]),
};

/** `owners`: folder below its mount to uid; root's where not listed. */
function relation(
  caller: string,
  leader: string,
  owners: Record<string, number | undefined> = {},
  { at = mounts, authority = 0 }: { at?: typeof mounts; authority?: number } = {},
): CgroupRelation {
  const text = (cgroup: string) => parseCgroups(Buffer.from(cgroup));
  const isNamed = (path: string): boolean => path.split('/').at(-1)?.includes(ID) === true;
  const ownerOf = (folder: string): number | undefined => (folder in owners ? owners[folder] : 0);
  return cgroupRelation(text(caller), text(leader), isNamed, at, authority, ownerOf);
}
const reason = (found: CgroupRelation): string => (found.within ? `within ${found.path}` : found.reason);

describe('a process', () => {
  const path = `/system.slice/docker-${ID}.scope`;

  it.each([
    ['in the cgroup of the leader', `0::${path}\n`],
    ['below it', `0::${path}/init.scope/made/inside\n`],
  ])('%s is within', (_name, caller) => {
    expect(relation(caller, `0::${path}\n`)).toEqual({ within: true, path });
  });

  it.each([
    ['in a cgroup of its own making with the same name', `0::/user.slice/user-1000.slice/docker-${ID}.scope\n`],
    ['in a neighbour whose name begins the same', `0::${path}x\n`],
    ['above it', '0::/system.slice\n'],
    ['in no hierarchy of the leader', `7:memory:${path}\n`],
  ])('A10: %s is not', (_name, caller) => {
    expect(reason(relation(caller, `0::${path}\n`))).toBe('its cgroup is not in the one of that name');
  });

  it('A10: is not when the leader’s cgroup has another name, as when its number is somebody else’s by now', () => {
    expect(reason(relation('0::/user.slice/a\n', '0::/user.slice/a\n'))).toMatch(/in no cgroup of that name/);
  });

  it('A10: is not when any folder on the way down is another uid’s, or is gone', () => {
    const owned = relation(`0::${path}\n`, `0::${path}\n`, { '/cg/system.slice': 1234 });
    expect(reason(owned)).toBe('/system.slice is owned by uid 1234');
    expect(reason(relation(`0::${path}\n`, `0::${path}\n`, { [`/cg${path}`]: 1234 }))).toMatch(/owned by uid 1234/);
    expect(reason(relation(`0::${path}\n`, `0::${path}\n`, { [`/cg${path}`]: undefined }))).toMatch(/is gone/);
  });

  it('A10: is not below a user’s manager, whoever owns the folders', () => {
    const below = `/user.slice/user-1000.slice/user@1000.service/app.slice/docker-${ID}.scope`;
    expect(reason(relation(`0::${below}\n`, `0::${below}\n`))).toMatch(/is of a user's own manager/);
  });

  it('A10: is within on version 1 only when every hierarchy that has the name says so', () => {
    const both = `2:memory:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/\n`;
    expect(relation(both, both)).toEqual({ within: true, path: `/docker/${ID}` });
    expect(reason(relation(`2:memory:/docker/${ID}\n1:name=systemd:/\n0::/\n`, both))).toMatch(/not in the one/);
    expect(reason(relation(both, both, { '/cg-systemd/docker': 1000 }))).toBe('/docker is owned by uid 1000');
  });

  it.each([
    ['where the first process has gone further down', `0::${path}/container\n`, `0::${path}\n`],
    ['where both have, each its own way', `0::${path}/init.scope\n`, `0::${path}/system.slice/web.service\n`],
    ['where the name stands again further down', `0::${path}/docker-${ID}.scope\n`, `0::${path}/other\n`],
  ])('is within %s', (_name, leader, caller) => {
    expect(relation(caller, leader)).toEqual({ within: true, path });
  });

  it('A10: is not within what only shares the last folder with the first process', () => {
    const own = `/user.slice/made/docker-${ID}.scope/container`;
    expect(reason(relation(`0::${own}\n`, `0::${path}/container\n`))).toMatch(/not in the one of that name/);
  });

  describe('that a rootless engine speaks for', () => {
    const manager = '/user.slice/user-1000.slice/user@1000.service';
    const rootless = `${manager}/user.slice/libpod-${ID}.scope`;
    const owned = {
      [`/cg${manager}`]: 1000,
      [`/cg${manager}/user.slice`]: 1000,
      [`/cg${rootless}`]: 1000,
    };

    it('is within below the manager of that uid, whose folders are its own', () => {
      expect(relation(`0::${rootless}\n`, `0::${rootless}\n`, owned, { authority: 1000 })).toEqual({
        within: true,
        path: rootless,
      });
    });

    it.each([
      ['in a container of root’s engine', path],
      ['below the manager of another', rootless.replaceAll('1000', '1001')],
      ['below a folder that is only called like it', `/docker/made${rootless}`],
    ])('A13: is not %s', (_name, elsewhere) => {
      expect(reason(relation(`0::${elsewhere}\n`, `0::${elsewhere}\n`, {}, { authority: 1000 }))).toBe(
        `${elsewhere} is not of the manager of uid 1000`,
      );
    });

    it('A13: is not where a folder on the way down is of a third', () => {
      const third = { ...owned, [`/cg${manager}/user.slice`]: 1001 };
      expect(reason(relation(`0::${rootless}\n`, `0::${rootless}\n`, third, { authority: 1000 }))).toMatch(
        /owned by uid 1001/,
      );
      const above = { ...owned, '/cg/user.slice/user-1000.slice': 1000 };
      expect(reason(relation(`0::${rootless}\n`, `0::${rootless}\n`, above, { authority: 1000 }))).toMatch(
        /user-1000.slice is owned by uid 1000/,
      );
    });
  });

  it('A10: is not where no hierarchy can be verified', () => {
    const outer = `/../../docker/${ID}`;
    expect(reason(relation(`0::${outer}\n`, `0::${outer}\n`))).toMatch(/outside the daemon's cgroup namespace/);
    const unmounted = { ...mounts, unified: undefined } as never;
    expect(reason(relation(`0::${path}\n`, `0::${path}\n`, {}, { at: unmounted }))).toMatch(/not mounted here/);
  });
});
