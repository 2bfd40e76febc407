// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/lib/clock.ts';
import type { CeilingSubject } from '../../src/peer/ceilings.ts';
import { DigestCache } from '../../src/peer/digest-cache.ts';
import { ExecutableLooks } from '../../src/peer/executable.ts';
import type { FileAnswer, FileJob } from '../../src/peer/file-jobs.ts';
import type { SeenExecutable } from '../../src/peer/look.ts';
import { Mounts } from '../../src/peer/mounts.ts';
import { ownNamespaces } from '../../src/peer/namespaces.ts';
import type { TrackedProcess } from '../../src/peer/process.ts';
import { type Accepted, asRoot, compile, PeerBench, withGcc } from '../support/peers.ts';

const now = new AbortController().signal;
const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** A caller that runs a copy of Node of its own. */
async function runCopy(
  bench: PeerBench,
  name: string | Buffer,
  wrap: readonly string[] = [],
): Promise<Accepted & { copy: string }> {
  const copy = join(bench.folder, name.toString());
  if (!existsSync(copy)) copyFileSync(process.execPath, copy);
  const script = bench.share(join(import.meta.dirname, 'programs', 'caller.ts'), 'caller.ts');
  const [command = '', ...args] = [...wrap, copy, '--no-warnings', script];
  return { ...(await bench.connect(await bench.start(command, args))), copy };
}

describe('the executable of a caller', () => {
  it('has a path, an identity and a digest', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const path = realpathSync(process.execPath);
    const { ino } = statSync(path, { bigint: true });
    expect(await peer.process.exe(now)).toMatchObject({ readable: true, path, pathReason: undefined, inode: ino });
    expect(await peer.process.digest(now)).toEqual({ readable: true, sha256: sha256Of(path) });
  });

  it('A6: has the path that it has, whatever that looks like', async () => {
    const bench = await PeerBench.open();
    const { peer, copy } = await runCopy(bench, 'node (deleted)');
    expect(await peer.process.exe(now)).toMatchObject({ path: copy });
  });

  it('A6: has no path when another file stands at the name the kernel gives', async () => {
    const bench = await PeerBench.open();
    const { peer, copy } = await runCopy(bench, 'pay');
    rmSync(copy);
    copyFileSync('/bin/sh', `${copy} (deleted)`);
    expect(await peer.process.exe(now)).toMatchObject({
      readable: true,
      path: undefined,
      pathReason: 'the file at the path of the executable is not the one that runs',
    });
  });

  it('A6: has no path when its name holds a newline', async () => {
    const bench = await PeerBench.open();
    const { peer } = await runCopy(bench, 'pay\nroot');
    expect(await peer.process.exe(now)).toMatchObject({
      path: undefined,
      pathReason: expect.stringMatching(/control/),
    });
  });

  withGcc('A6: has no path when it lies in memory only', async () => {
    const bench = await PeerBench.open();
    const tool = compile('in-memory.c', bench.folder);
    const caller = compile('caller.c', bench.folder);
    const { peer } = await bench.connect(await bench.start(tool, ['/usr/bin/pay', caller]));
    expect(await peer.process.exe(now)).toMatchObject({ readable: true, path: undefined });
  });

  asRoot('A6: has no path in another mount namespace, but what its own root calls it is told apart', async () => {
    const bench = await PeerBench.open();
    const genuine = join(bench.folder, 'genuine');
    copyFileSync('/bin/sleep', genuine);
    const fake = join(bench.folder, 'fake');
    copyFileSync(process.execPath, fake);
    const bind = `mount --bind ${fake} ${genuine} && exec "$@"`;
    const { peer } = await runCopy(bench, 'genuine', ['unshare', '--mount', 'sh', '-c', bind, 'sh']);
    expect(await peer.process.exe(now)).toMatchObject({
      readable: true,
      path: undefined,
      pathReason: expect.stringMatching(/another mount namespace/),
      containerPath: genuine,
      inode: statSync(fake, { bigint: true }).ino,
    });
  });

  it('A7: keeps path and digest when its file is replaced or renamed', async () => {
    const bench = await PeerBench.open();
    const { peer, copy } = await runCopy(bench, 'service');
    const sha256 = sha256Of(copy);
    expect(await peer.process.exe(now)).toMatchObject({ path: copy });
    expect(await peer.process.digest(now)).toEqual({ readable: true, sha256 });
    copyFileSync('/bin/sleep', `${copy}.new`);
    renameSync(`${copy}.new`, copy);
    for (let rotation = 0; rotation < 2; rotation += 1) {
      expect(peer.process.stillSame()).toEqual({ same: true });
      expect(await peer.process.exe(now)).toMatchObject({ path: copy });
      expect(await peer.process.digest(now)).toEqual({ readable: true, sha256 });
    }
  });

  it('A7: of a process that is looked at only after the upgrade has no path', async () => {
    const bench = await PeerBench.open();
    const { peer, copy } = await runCopy(bench, 'service');
    rmSync(copy);
    expect(await peer.process.exe(now)).toMatchObject({ path: undefined });
  });
});

describe('a digest', () => {
  /** Answers in the helper's place, so that a test decides what happens meanwhile. */
  function looks(answer: (job: FileJob) => Promise<FileAnswer>): { looks: ExecutableLooks; asked: () => number } {
    let asked = 0;
    const reader = {
      run: (_payer: CeilingSubject, job: FileJob) => {
        asked += 1;
        return answer(job);
      },
    };
    const made = new ExecutableLooks({
      ownMountNamespace: ownNamespaces().mnt,
      local: reader,
      served: reader,
      mounts: new Mounts(),
      cache: new DigestCache(systemClock),
      mostBytes: 1 << 29,
    });
    return { looks: made, asked: () => asked };
  }
  const good: FileAnswer = { kind: 'sha256', sha256: 'ab'.repeat(32) };

  it('A8: counts only if the process was alive after the last byte', async () => {
    const bench = await PeerBench.open();
    const caller = await bench.caller();
    const { peer } = await bench.connect(caller);
    const { looks: made } = looks(async () => {
      await caller.end();
      return good;
    });
    await expect(made.digest(peer.process as TrackedProcess, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
  });

  it('A5: is not made of a look that an exec came into', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const tracked = peer.process as TrackedProcess;
    const look = await tracked.takeLook(now);
    const executable = look.executable as SeenExecutable;
    const torn = { ...look, executable: { ...executable, file: { ...executable.file, inode: 1n } } };
    const process = { pid: tracked.pid, uid: tracked.uid, lookAgain: async () => torn } as unknown as TrackedProcess;
    const { looks: made } = looks(async () => good);
    await expect(made.digest(process, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
    await expect(made.exe(process, now)).rejects.toMatchObject({ reason: 'PROCESS_GONE' });
  });

  it('is made once for all processes that run the same file, and once for one process', async () => {
    const bench = await PeerBench.open();
    const first = await runCopy(bench, 'settled');
    const second = await runCopy(bench, 'settled');
    // A file changed a moment ago is not remembered.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const { looks: made, asked } = looks(async () => good);
    for (const { peer } of [first, first, second]) {
      expect(await made.digest(peer.process as TrackedProcess, now)).toEqual({ readable: true, sha256: good.sha256 });
    }
    expect(asked()).toBe(1);
  });

  it('A7: stands for the process although it was too fresh to be cached', async () => {
    const bench = await PeerBench.open();
    const { peer } = await runCopy(bench, 'fresh');
    const { looks: made, asked } = looks(async () => good);
    await made.digest(peer.process as TrackedProcess, now);
    await made.digest(peer.process as TrackedProcess, now);
    expect(asked()).toBe(1);
  });

  it('says why there is none', async () => {
    const bench = await PeerBench.open();
    const { peer } = await bench.connect(await bench.caller());
    const tooLarge = looks(async () => ({ kind: 'unreadable', reason: 'too large' }));
    expect(await tooLarge.looks.digest(peer.process as TrackedProcess, now)).toEqual({
      readable: false,
      reason: 'too large',
    });
    const broken = looks(async () => ({ kind: 'failed', reason: 'broken' }));
    await expect(broken.looks.digest(peer.process as TrackedProcess, now)).rejects.toMatchObject({
      reason: 'CALLER_UNREADABLE',
      message: expect.stringMatching(/broken/),
    });
  });
});
