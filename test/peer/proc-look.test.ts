// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { AT_FDCWD, pidfdOpen } from '../../src/peer/native.ts';
import { OwnedFd } from '../../src/peer/owned-fd.ts';
import { lookAt, ProcessGone, pidOf, readText } from '../../src/peer/proc-look.ts';
import { asRoot, PeerBench } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const folder = tempDir('look');
let child: ChildProcess;
let pidfd: OwnedFd;

beforeEach(async () => {
  child = spawn('sleep', ['20']);
  await once(child, 'spawn');
  pidfd = new OwnedFd(pidfdOpen(child.pid as number));
});
afterEach(() => {
  child.kill('SIGKILL');
  pidfd.close();
});

it('reads files of the process that the pidfd names', () => {
  expect(lookAt(pidfd, child.pid as number, (folder) => folder.text('status'))).toMatch(/^Name:\tsleep\n/);
  expect(pidOf(pidfd)).toBe(child.pid);
});

it('A4: refuses a number that the pidfd does not name, though a process has it', () => {
  const look = (): string => lookAt(pidfd, process.pid, (folder) => folder.text('status'));
  expect(look).toThrow(ProcessGone);
});

it('A4: refuses what was read when the process exits while it is read', async () => {
  const look = (): string =>
    lookAt(pidfd, child.pid as number, (folder) => {
      const name = folder.text('status');
      child.kill('SIGKILL');
      const until = performance.now() + 2_000;
      while (performance.now() < until && !folder.text('status').includes('State:\tZ'));
      return name;
    });
  expect(look).toThrow(ProcessGone);
});

it('A4: refuses a process that is dead but not reaped, and one that is reaped', async () => {
  const pid = child.pid as number;
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(() => lookAt(pidfd, pid, () => 'seen')).toThrow(ProcessGone);
  expect(pidOf(pidfd)).toBe(-1);
});

it.each([0, -1, 1.5, Number.NaN])('A4: %p is no process', (pid) => {
  expect(() => lookAt(pidfd, pid, () => 'seen')).toThrow(ProcessGone);
});

it('A3: leaves no descriptor behind, whatever happens', () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 50; i += 1) {
    lookAt(pidfd, child.pid as number, (folder) => folder.text('cgroup'));
    expect(() => lookAt(pidfd, process.pid, () => 0)).toThrow();
    expect(() => lookAt(pidfd, child.pid as number, (folder) => folder.text('no-such-file' as 'status'))).toThrow();
  }
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

it('I9: refuses a status longer than any honest one: a user with subordinate gids may have 65,536 groups', () => {
  const groups = `${folder}/groups`;
  writeFileSync(groups, 'x'.repeat(16_385));
  expect(() => readText(AT_FDCWD, groups, 16_384)).toThrow(/longer than 16384 bytes/);
  writeFileSync(groups, 'x'.repeat(16_384));
  expect(readText(AT_FDCWD, groups, 16_384)).toHaveLength(16_384);
});

asRoot('I9: of a caller with very many groups', async () => {
  const bench = await PeerBench.open();
  const caller = await bench.caller();
  caller.say(`setgroups ${Array.from({ length: 4_000 }, (_, at) => 100_000 + at).join(' ')}`);
  await caller.heard('done');
  caller.say(`connect ${bench.path}`);
  await bench.until(() => bench.refused.length > 0);
  expect(String(bench.refused[0]?.cause)).toMatch(/status is longer than 16384 bytes/);
});
