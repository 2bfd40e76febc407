// SPDX-License-Identifier: Apache-2.0
/**
 * The script that an interpreter runs. It is what the process says of itself; what is tested is that the daemon reads it
 * as it stands, that it believes no more than it saw, and that nobody makes it wait (attack A11).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { FileAnswer } from '../../src/peer/file-jobs.ts';
import { digestOfScript, placeOfScript } from '../../src/peer/file-script.ts';
import type { ProcessHandle } from '../../src/peer/process-handle.ts';
import type { LineProgram } from '../support/line-program.ts';
import { asRoot, compile, PeerBench, withGccAsRoot } from '../support/peers.ts';

const now = new AbortController().signal;
const CALLER = readFileSync(join(import.meta.dirname, 'programs', 'caller.ts'), 'utf8');
const shaOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A caller whose script is `name` in the bench's folder, started there. */
async function start(bench: PeerBench, name: string, wrap: readonly string[] = []): Promise<LineProgram> {
  const file = join(bench.folder, name);
  writeFileSync(file, CALLER, { mode: 0o644 });
  return run(bench, [...wrap, process.execPath, '--no-warnings', name]);
}

async function run(bench: PeerBench, words: readonly string[]): Promise<LineProgram> {
  return bench.start(words[0] as string, words.slice(1));
}

async function handle(bench: PeerBench, caller: LineProgram): Promise<ProcessHandle> {
  return (await bench.connect(caller)).peer.process;
}

describe.each([
  { how: 'with the process connector', connector: true },
  { how: 'with looks alone', connector: false },
])('a script, $how', ({ connector }) => {
  it('is the file that the interpreter was given, by its real path and its content', async () => {
    const bench = await PeerBench.open({ connector });
    const caller = await handle(bench, await start(bench, 'job.ts'));
    expect(await caller.script(now)).toEqual({ readable: true, path: realpathSync(join(bench.folder, 'job.ts')) });
    expect(await caller.scriptDigest(now)).toEqual({ readable: true, sha256: shaOf(CALLER) });
  });

  it('A7: stands though the file is replaced, and is another for whoever starts then', async () => {
    const bench = await PeerBench.open({ connector });
    const first = await handle(bench, await start(bench, 'job.ts'));
    const place = await first.script(now);
    const digest = await first.scriptDigest(now);
    const other = `${CALLER}\n// newer`;
    writeFileSync(join(bench.folder, 'new.ts'), other);
    renameSync(join(bench.folder, 'new.ts'), join(bench.folder, 'job.ts'));
    expect([await first.script(now), await first.scriptDigest(now)]).toEqual([place, digest]);
    const second = await handle(bench, await run(bench, [process.execPath, '--no-warnings', 'job.ts']));
    expect(await second.scriptDigest(now)).toEqual({ readable: true, sha256: shaOf(other) });
  });
});

describe('what is no script for certain', () => {
  it('has no path and no digest, with the reason', async () => {
    const bench = await PeerBench.open();
    const link = join(bench.folder, 'link.ts');
    await start(bench, 'real.ts');
    symlinkSync(join(bench.folder, 'real.ts'), link);
    const linked = await handle(bench, await run(bench, [process.execPath, '--no-warnings', link]));
    expect(await linked.script(now)).toEqual({ readable: false, reason: 'the script is no regular file' });
    const inline = await handle(
      bench,
      await run(bench, [process.execPath, '--experimental-strip-types', '-e', CALLER]),
    );
    expect(await inline.scriptDigest(now)).toEqual({ readable: false, reason: expect.stringMatching(/"-e" gives/) });
  });

  it('A6: is not what a chdir, a rename or a deletion made of its name', async () => {
    const bench = await PeerBench.open();
    const caller = await handle(bench, await start(bench, 'gone.ts'));
    renameSync(join(bench.folder, 'gone.ts'), join(bench.folder, 'elsewhere.ts'));
    expect(await caller.script(now)).toEqual({
      readable: false,
      reason: expect.stringMatching(/cannot be found \(ENOENT\)/),
    });
    const newline = await handle(bench, await start(bench, 'new\nline.ts'));
    expect(await newline.script(now)).toEqual({ readable: false, reason: expect.stringMatching(/control characters/) });
    expect(await newline.scriptDigest(now)).toMatchObject({ readable: true });
  });

  asRoot('A6: has no path in another mount namespace', async () => {
    const bench = await PeerBench.open();
    const mounted = await handle(bench, await start(bench, 'job.ts', ['unshare', '--mount']));
    expect(await mounted.script(now)).toEqual({
      readable: false,
      reason: expect.stringMatching(/another mount namespace/),
    });
    expect(await mounted.scriptDigest(now)).toEqual({ readable: true, sha256: shaOf(CALLER) });
  });

  asRoot('A6: has no path where another file stands at it, and its own content all the same', async () => {
    const bench = await PeerBench.open();
    const covered = join(bench.folder, 'covered');
    mkdirSync(covered);
    writeFileSync(join(covered, 'job.ts'), CALLER);
    const words = ['env', `--chdir=${covered}`, process.execPath, '--no-warnings', 'job.ts'];
    const caller = await handle(bench, await run(bench, words));
    spawnSync('mount', ['-t', 'tmpfs', 'none', covered]);
    bench.atClose.push(() => spawnSync('umount', ['-l', covered]));
    writeFileSync(join(covered, 'job.ts'), 'another');
    expect(await caller.script(now)).toEqual({ readable: false, reason: expect.stringMatching(/is not the one that/) });
    expect(await caller.scriptDigest(now)).toEqual({ readable: true, sha256: shaOf(CALLER) });
  });
});

describe('a helper that looks for a script', () => {
  const bench = async (): Promise<string> => (await PeerBench.open()).folder;
  const at = (argument: string): FileAnswer =>
    placeOfScript({ kind: 'script', pid: process.pid, argument, waiting: true });

  it.each([
    ['a FIFO', (file: string) => void spawnSync('mkfifo', [file])],
    ['a folder', (file: string) => mkdirSync(file)],
    ['a link', (file: string) => symlinkSync('/etc/passwd', file)],
  ])('A11: waits for nobody at %s', async (_what, make) => {
    const file = join(await bench(), 'odd');
    make(file);
    expect(at(file)).toEqual({ kind: 'unreadable', reason: 'the script is no regular file' });
  });

  it('A11: follows no magic link', () => {
    expect(at('/proc/self/root/etc/passwd')).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringMatching(/ELOOP/),
    });
  });

  it('A4, A11: hashes the file that was seen and no other, of a bounded size', async () => {
    const file = join(await bench(), 'script');
    writeFileSync(file, 'one');
    const seen = at(file) as Extract<FileAnswer, { kind: 'script' }>;
    const job = { kind: 'script-sha256', pid: process.pid, argument: file, file: seen.file, mostBytes: 1_000 } as const;
    expect(digestOfScript(job)).toEqual({ kind: 'sha256', sha256: shaOf('one') });
    appendFileSync(file, 'more');
    expect(digestOfScript(job)).toEqual({ kind: 'failed', reason: 'the script changed' });
    truncateSync(file, 1 << 20);
    const large = at(file) as Extract<FileAnswer, { kind: 'script' }>;
    expect(digestOfScript({ ...job, file: large.file })).toEqual({
      kind: 'unreadable',
      reason: expect.stringMatching(/^the script has 1048576 bytes; the most that is hashed is 1000/),
    });
  });
});

const PERL = `use IO::Socket::UNIX; $| = 1; print qq({"event":"ready"}\\n);
while (<STDIN>) { push @s, IO::Socket::UNIX->new(Peer => $1) if /^connect (\\S+)/; print qq({"event":"connected"}\\n); }
`;

withGccAsRoot('A11: a script on a file server that hangs holds up its own uid, and no other', async () => {
  const bench = await PeerBench.open({ fileDeadlineMs: 1_500 });
  const mount = join(bench.folder, 'mount');
  mkdirSync(mount);
  const script = join(bench.folder, 'served.pl');
  writeFileSync(script, PERL);
  const server = await bench.start(compile('hostile-fs.c', bench.folder), [mount, script]);
  bench.atClose.push(() => spawnSync('umount', ['-l', mount]));
  const ids = { uid: 4242, gid: 4242 };
  const caller = await handle(bench, await bench.start('/usr/bin/perl', [join(mount, 'program')], ids));
  server.say('hang');
  await server.heard('done');
  const digest = caller.scriptDigest(now).catch((error: Error) => error.message);
  const honest = await handle(bench, await start(bench, 'honest.ts'));
  expect(await honest.scriptDigest(now)).toEqual({ readable: true, sha256: shaOf(CALLER) });
  expect(await digest).toMatch(/was not read within 1500 ms/);
});
