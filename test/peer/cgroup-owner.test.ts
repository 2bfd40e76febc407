// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { countedCgroup, parseCgroupMounts } from '../../src/peer/cgroup-owner.ts';
import { parseCgroups } from '../../src/peer/proc-text.ts';

const mounts = { unified: '/cg', systemd: '/cg-systemd', named: new Map<string, string>() };
/** `owners`: folder below the mount to uid; root's where not listed. */
const counted = (cgroup: string, owners: Record<string, number | undefined> = {}, at = mounts): string | undefined =>
  countedCgroup(parseCgroups(Buffer.from(cgroup)), at, (folder) => (folder in owners ? owners[folder] : 0));

describe('the cgroup that is counted', () => {
  it('is the deepest that root owns all the way down', () => {
    expect(counted('0::/system.slice/web.service\n')).toBe('unified:/system.slice/web.service');
  });

  it('I9: is not one that its owner made below: new names do not start a new count', () => {
    const owners = {
      '/cg/user.slice/user-1000.slice/user@1000.service': 1000,
      '/cg/user.slice/user-1000.slice/user@1000.service/made': 1000,
    };
    expect(counted('0::/user.slice/user-1000.slice/user@1000.service/made/up\n', owners)).toBe(
      'unified:/user.slice/user-1000.slice',
    );
    // A folder below that happens to be root's (made by a setuid program) changes nothing.
    expect(counted('0::/user.slice/user-1000.slice/user@1000.service/roots\n', owners)).toBe(
      'unified:/user.slice/user-1000.slice',
    );
  });

  it('I9: is the one that a launched program came from, not the one that was made for its launch', () => {
    const launch = `assay-launch-${'0a'.repeat(16)}`;
    expect(counted(`0::/system.slice/web.service/${launch}/below\n`)).toBe('unified:/system.slice/web.service');
    expect(counted(`1:name=systemd:/a.scope\n0::/${launch}\n`)).toBe('systemd:/a.scope');
  });

  it('comes from name=systemd where the unified hierarchy has no folders', () => {
    expect(counted('1:name=systemd:/user.slice/session-1.scope\n0::/\n')).toBe('systemd:/user.slice/session-1.scope');
  });

  it('is none at the root, and none for a folder that is gone', () => {
    expect(counted('0::/\n')).toBeUndefined();
    expect(counted('0::/gone\n', { '/cg/gone': undefined })).toBeUndefined();
    expect(counted('0::/a\n', {}, { unified: undefined, systemd: undefined } as never)).toBeUndefined();
  });

  it('I9: is the outermost name for a caller outside the daemon’s cgroup namespace', () => {
    expect(counted('0::/../../pod1/made/up\n')).toBe('unified:/../../pod1');
  });
});

describe('mountinfo', () => {
  it('gives the mounts of both hierarchies, and only of their roots', () => {
    const text = [
      '30 1 0:1 /kubepods /other rw - cgroup2 cgroup2 rw',
      '31 1 0:2 / /sys/fs/cgroup/my\\040own rw shared:1 - cgroup2 cgroup2 rw',
      '32 1 0:3 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu',
      '33 1 0:4 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    ].join('\n');
    expect(parseCgroupMounts(text)).toMatchObject({
      unified: '/sys/fs/cgroup/my own',
      systemd: '/sys/fs/cgroup/systemd',
    });
    expect(parseCgroupMounts(text).named).toEqual(
      new Map([
        ['rw', '/sys/fs/cgroup/cpu'],
        ['cpu', '/sys/fs/cgroup/cpu'],
        ['xattr', '/sys/fs/cgroup/systemd'],
        ['name=systemd', '/sys/fs/cgroup/systemd'],
      ]),
    );
  });
});
