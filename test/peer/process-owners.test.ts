// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type LookAtStatus, ownersOf, parseStatus, type StatusLook } from '../../src/peer/process-owners.ts';

const held = (pid: number, same = true) => ({
  pid,
  stillSame: () => (same ? ({ same: true } as const) : ({ same: false, reason: 'exited' } as const)),
});
const children: ChildProcess[] = [];
afterAll(() => {
  // Each leads a group of its own: whom it started goes along.
  for (const { pid } of children) {
    try {
      process.kill(-(pid as number), 'SIGKILL');
    } catch {
      // All of it has gone.
    }
  }
});

/** The leader of a session of its own, which starts a shell that says its pid. */
async function session(script: string): Promise<{ readonly inner: number; readonly child: ChildProcess }> {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  children.push(child);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { inner: Number(line.toString()), child };
}

const INNER = 'sh -c "echo \\$\\$; sleep 60; true"; true';
const asRoot = process.getuid?.() === 0 ? it : it.skip;

describe('real processes', () => {
  asRoot(
    'C2: are those of a process and of who started it, up to the leader of the session and no further',
    async () => {
      const { inner } = await session(
        `setpriv --reuid 70002 --regid 70003 --clear-groups ${INNER.replace('; true', '')} & wait`,
      );
      const { uids, gids } = ownersOf(held(inner));
      expect(uids).toEqual([70_002, 0]);
      expect(gids).toEqual(expect.arrayContaining([70_003, 0]));
    },
  );

  asRoot('C2: are its own where it leads its session', async () => {
    const { inner } = await session(`exec setpriv --reuid 70002 --regid 70003 --clear-groups ${INNER}`);
    const leader = parseStatus(readFileSync(`/proc/${inner}/status`, 'utf8'))?.session ?? 0;
    expect(ownersOf(held(leader))).toEqual({ uids: [70_002], gids: [70_003] });
  });

  it('C2: are not known once the leader of the session has gone', async () => {
    const { inner, child } = await session(INNER);
    expect(ownersOf(held(inner)).uids).toContain(process.getuid?.());
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(ownersOf(held(inner))).toEqual({ uids: undefined, gids: undefined });
  });

  it('A4: are not known of a process that is no longer the same', () => {
    expect(ownersOf(held(process.pid, false)).uids).toBeUndefined();
  });
});

describe('looks', () => {
  const seen = (parent: number, uid: number, sid = 10): StatusLook => ({
    ...{ parent, session: sid, uids: [uid, uid, uid, uid], gids: [uid] },
  });
  const of =
    (table: ReadonlyMap<number, StatusLook>): LookAtStatus =>
    (pid) =>
      table.get(pid);

  it('A4: are taken twice: one that is otherwise the second time proves nothing', () => {
    let looks = 0;
    const chain = new Map([
      [12, seen(11, 1)],
      [11, seen(10, 2)],
      [10, seen(1, 3)],
    ]);
    expect(ownersOf(held(12), of(chain)).uids).toEqual([1, 2, 3]);
    const reused: LookAtStatus = (pid) => {
      looks += 1;
      return looks > 3 && pid === 11 ? seen(10, 9) : chain.get(pid);
    };
    expect(ownersOf(held(12), reused).uids).toBeUndefined();
  });

  it('C2: are no answer outside our pid namespace, without an end, or where one is hidden', () => {
    expect(ownersOf(held(12), of(new Map([[12, seen(11, 1, 0)]]))).uids).toBeUndefined();
    expect(ownersOf(held(12), of(new Map([[12, seen(11, 1)]]))).uids).toBeUndefined();
    expect(ownersOf(held(12), (pid) => seen(pid + 1, 1, 5)).uids).toBeUndefined();
  });

  it('C2: read all four uids and gids, and the groups, or nothing', () => {
    const text = 'PPid:\t7\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nNSsid:\t11\t1\n';
    expect(parseStatus(text)).toEqual({ parent: 7, session: 11, uids: [1, 2, 3, 4], gids: [5, 6, 7, 8, 9, 10] });
    expect(parseStatus(text.replace('9 10 ', ''))?.gids).toEqual([5, 6, 7, 8]);
    for (const row of ['PPid', 'Uid', 'Gid', 'Groups', 'NSsid'])
      expect(parseStatus(text.replace(new RegExp(`^${row}:.*\n`, 'm'), ''))).toBeUndefined();
  });
});
