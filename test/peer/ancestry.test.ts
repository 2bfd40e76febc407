// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from '@jest/globals';
import { descendsFrom, type ParentOf } from '../../src/peer/ancestry.ts';

const held = (pid: number, same = true) => ({
  pid,
  stillSame: () => (same ? ({ same: true } as const) : ({ same: false, reason: 'exited' } as const)),
});
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A shell that starts another one, which says its pid; killed with the first. */
async function nested(): Promise<{ readonly outer: number; readonly inner: number; readonly child: ChildProcess }> {
  const child = spawn('sh', ['-c', 'sh -c "echo \\$\\$; sleep 60; true"; true'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { outer: child.pid as number, inner: Number(line.toString()), child };
}

describe('real processes', () => {
  it('A12: a leader is below itself, and whom it started, over generations; others are not', async () => {
    const { outer, inner } = await nested();
    const other = await nested();
    expect(inner).not.toBe(outer);
    expect(descendsFrom(held(outer), held(outer))).toBe(true);
    expect(descendsFrom(held(inner), held(outer))).toBe(true);
    expect(descendsFrom(held(inner), held(process.pid))).toBe(true);
    expect(descendsFrom(held(outer), held(inner))).toBe(false);
    expect(descendsFrom(held(other.inner), held(outer))).toBe(false);
    expect(descendsFrom(held(process.pid), held(outer))).toBe(false);
  });

  it('A12: an orphan has left', async () => {
    const { outer, inner, child } = await nested();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(descendsFrom(held(inner), held(outer))).toBe(false);
  });
});

describe('numbers', () => {
  const from = (...looks: readonly (number | undefined)[]): ParentOf => {
    const left = [...looks];
    return () => left.shift();
  };

  it('A4: that became another process between the looks prove nothing', () => {
    // 30 was started by 20, 20 by 10. Upwards: 20, 10; downwards: of 20, of 30.
    expect(descendsFrom(held(30), held(10), from(20, 10, 10, 20))).toBe(true);
    expect(descendsFrom(held(30), held(10), from(20, 10, 10, 1))).toBe(false);
    expect(descendsFrom(held(30), held(10), from(20, 10, 7, 20))).toBe(false);
    expect(descendsFrom(held(30), held(10), from(20, 10, 10, undefined))).toBe(false);
  });

  it('A4: of a process or a leader that ended meanwhile prove nothing', () => {
    const fine = (): ParentOf => from(10, 10);
    expect(descendsFrom(held(30), held(10), fine())).toBe(true);
    expect(descendsFrom(held(30, false), held(10), fine())).toBe(false);
    expect(descendsFrom(held(30), held(10, false), fine())).toBe(false);
  });

  it('I9: are followed for so many generations and no more', () => {
    let looks = 0;
    const endless: ParentOf = (pid) => {
      looks += 1;
      return pid + 1;
    };
    expect(descendsFrom(held(2), held(1_000_000), endless)).toBe(false);
    expect(looks).toBeLessThan(100);
  });
});
