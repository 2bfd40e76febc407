// SPDX-License-Identifier: Apache-2.0
/** The folder of a launch on a cgroup file system that says what a test wants: what it lists may be out of date. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { CgroupMounts } from '../../src/peer/cgroup-owner.ts';
import { LaunchFolder } from '../../src/peer/launch-folder.ts';
import type { CgroupMembership } from '../../src/peer/process-handle.ts';
import { asRoot } from '../support/peers.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('launch-folder');
const NAME = `assay-launch-${'0a'.repeat(16)}`;

function mountsAt(name: string): CgroupMounts {
  const unified = join(top, name);
  mkdirSync(unified);
  return { unified, systemd: undefined, named: new Map() };
}

/** Answers one after the other, the last again and again. */
function moved(pid: number, ...paths: readonly string[]) {
  let asked = 0;
  const cgroups = (): CgroupMembership[] => {
    const path = paths[Math.min(asked, paths.length - 1)] as string;
    asked += 1;
    return [{ hierarchy: 0, controllers: [], path }];
  };
  return { pid, cgroups };
}

describe('the cgroup of a launch', () => {
  asRoot('A12, A4: is emptied of those in it, and of nobody who has the number of one by now', async () => {
    const mounts = mountsAt('stale');
    const log = new RecordingLogger();
    const stranger = spawn('/bin/sleep', ['20']);
    const folder = await LaunchFolder.make(moved(stranger.pid as number, '/', `/${NAME}`), NAME, mounts, log);
    expect(readFileSync(join(mounts.unified as string, NAME, 'cgroup.procs'), 'utf8')).toBe(String(stranger.pid));
    await folder.remove();
    expect(existsSync(join(mounts.unified as string, 'cgroup.procs'))).toBe(false);
    expect(JSON.stringify(log.lines)).toContain('could not be emptied');
    stranger.kill('SIGKILL');
  });

  asRoot('is not kept for a process that did not get into it', async () => {
    const mounts = mountsAt('elsewhere');
    const log = new RecordingLogger();
    const made = LaunchFolder.make(moved(process.pid, '/', '/', '/'), NAME, mounts, log);
    await expect(made).rejects.toMatchObject({ reason: 'LAUNCH_CHILDREN_IMPOSSIBLE', field: 'children' });
  });

  asRoot('is not made where no hierarchy is mounted', async () => {
    const mounts = { unified: undefined, systemd: undefined, named: new Map<string, string>() };
    const log = new RecordingLogger();
    await expect(LaunchFolder.make(moved(process.pid, '/'), NAME, mounts, log)).rejects.toMatchObject({
      message: expect.stringMatching(/the unified hierarchy is not mounted here; the hierarchy pids is not mounted/),
    });
  });
});
