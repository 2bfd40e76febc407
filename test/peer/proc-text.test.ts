// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCgroups, parsePidfdInfo, parseStat, parseStatus } from '../../src/peer/proc-text.ts';

const statOf = (name: string, startTime = 4242): string =>
  `17 (${name}) S 1 17 17 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 ${startTime} 1000 10 184467 1 2 3 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 4 5 6 7 8 9 10 0\n`;

describe('/proc/PID/stat', () => {
  it('gives start time and layout of this process', () => {
    const stat = parseStat(readFileSync('/proc/self/stat', 'utf8'));
    expect(stat.startTime).toBeGreaterThan(0n);
    expect(stat.layout).toMatch(/^[1-9]\d* [1-9]\d* [1-9]\d* \d+ \d+ \d+$/);
  });

  it('A4: takes no field from a name that looks like fields', () => {
    expect(parseStat(statOf(') R 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 99 ('))).toMatchObject({
      state: 'S',
      startTime: 4242n,
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 15 }), (name) => {
        expect(parseStat(statOf(name))).toEqual({ state: 'S', startTime: 4242n, layout: '1 2 3 4 5 6' });
      }),
    );
  });

  it('refuses what is cut short', () => {
    expect(() => parseStat('17 (x) S 1 17')).toThrow(/field 22/);
  });
});

describe('/proc/PID/status', () => {
  const status = (name: string, groups: string): string =>
    `Name:\t${name}\nUmask:\t0022\nState:\tS\nUid:\t1\t1000\t3\t4\nGid:\t5\t2000\t7\t8\nFDSize:\t64\nGroups:\t${groups}\nNStgid:\t1\n`;

  it('gives the effective ids and the groups', () => {
    expect(parseStatus(status('x', '4 24 1000 '))).toEqual({ uid: 1000, gid: 2000, groups: [4, 24, 1000] });
    expect(parseStatus(status('x', ' '))).toEqual({ uid: 1000, gid: 2000, groups: [] });
  });

  it('takes no line from a name: the kernel escapes newlines in it', () => {
    expect(parseStatus(status('a\\nUid:\\t0\\t0\\t0\\t0', '1 '))).toMatchObject({ uid: 1000 });
  });

  it('refuses what is no number', () => {
    expect(() => parseStatus(status('x', '4 root'))).toThrow(/number/);
    expect(() => parseStatus('Name:\tx\n')).toThrow(/Uid/);
  });
});

describe('/proc/PID/cgroup', () => {
  it('keeps colons of the path', () => {
    expect(parseCgroups(Buffer.from('4:cpu,cpuacct:/a:b\n1:name=systemd:/user.slice\n0::/x::y\n'))).toEqual([
      { hierarchy: 4, controllers: ['cpu', 'cpuacct'], path: '/a:b' },
      { hierarchy: 1, controllers: ['name=systemd'], path: '/user.slice' },
      { hierarchy: 0, controllers: [], path: '/x::y' },
    ]);
  });

  it('I9: refuses a name that is not UTF-8: it would read as another one', () => {
    expect(() => parseCgroups(Buffer.from([...Buffer.from('0::/a'), 0xff, 0x0a]))).toThrow(/UTF-8/);
    expect(parseCgroups(Buffer.from('0::/ü\n'))[0]?.path).toBe('/ü');
  });

  it('refuses a line of fewer parts', () => {
    expect(() => parseCgroups(Buffer.from('0:/x\n'))).toThrow(/three/);
  });
});

describe('fdinfo of a pidfd', () => {
  it.each([
    ['pos:\t0\nPid:\t17\nNSpid:\t17\n', 17],
    ['Pid:\t0\n', 0],
    ['Pid:\t-1\n', -1],
  ])('%j names %d', (text, pid) => expect(parsePidfdInfo(text)).toBe(pid));

  it('refuses a descriptor that is no pidfd', () => {
    expect(() => parsePidfdInfo('pos:\t0\nflags:\t02\n')).toThrow(/Pid/);
  });
});
