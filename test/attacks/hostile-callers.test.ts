// SPDX-License-Identifier: Apache-2.0
/**
 * Callers before a whole daemon that look like a program that they are not: by where they lie, what they are called, what
 * became of their file, what they mounted, whose right they run with (attacks A2, A5, A6, A7).
 */
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { hasCompiler } from '../support/c-program.ts';
import { Daemon, top } from '../support/daemon.ts';
import { idsOf, PlainCallers } from '../support/plain-callers.ts';
import { tempDir } from '../support/temp-dir.ts';

const [A, B] = [54_321, 54_322];
const can = process.getuid?.() === 0 && hasCompiler;
if (!can) console.warn('skipped: hostile callers need root, to have two uids, and gcc');

(can ? describe : describe.skip).each([
  { how: 'with the process connector', command: [join(top, 'bin/assay')] },
  // Outside the first network namespace the kernel reports no execs.
  { how: 'with looks alone', command: ['unshare', '--net', join(top, 'bin/assay')] },
])('a caller, $how', ({ command }) => {
  const folder = tempDir('hostile');
  const [genuine, spaced, theirs] = ['bin/pay', 'bin/pay money', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  let daemon: Daemon;
  let callers: PlainCallers;

  beforeAll(async () => {
    daemon = await Daemon.start({ command });
    callers = await PlainCallers.prepare(folder, daemon);
    for (const name of ['bin', 'home']) mkdirSync(join(folder, name));
    for (const path of [genuine, spaced]) copyFileSync(callers.program, path);
    for (const [id, ...selectors] of [
      ['uid-a', `unix:uid:${A}`],
      ['uid-b', `unix:uid:${B}`],
      ['root', 'unix:uid:0'],
      ['pay', `unix:uid:${A}`, `unix:path:${genuine}`],
      ['pay-money', `unix:uid:${A}`, `unix:path:${spaced}`],
    ])
      await daemon.admin.createEntry({ spiffe_id: `spiffe://example.org/${id}`, selectors });
  });
  afterEach(() => callers.end());
  afterAll(() => daemon?.close());

  it('A6: has the identity of its program and uid, spaces and all', async () => {
    expect(await idsOf(await callers.run(genuine, { uid: A }))).toEqual(['pay', 'uid-a']);
    expect(await idsOf(await callers.run(spaced, { uid: A }))).toEqual(['pay-money', 'uid-a']);
    expect(await idsOf(await callers.run(genuine, { uid: B }))).toEqual(['uid-b']);
  });

  it('A6: does not have that of a program that it is only called after', async () => {
    expect(await idsOf(await callers.run(genuine, { uid: A, argv0: spaced }))).toEqual(['pay', 'uid-a']);
    for (const name of ['pay', 'pay (deleted)', 'pay\n', `x\n${genuine.replaceAll('/', ':')}`, '\x1b[2Kpay'])
      expect(await idsOf(await callers.run(callers.copyTo(join(theirs, name), A), { uid: A }))).toEqual(['uid-a']);
  });

  it('A6: does not have that of a program whose file it mounted its own over', async () => {
    const own = callers.copyTo(join(theirs, 'own'), A);
    const wrap = mounted(`mount --bind '${own}' '${genuine}'`);
    expect(await idsOf(await callers.run(genuine, { wrap }))).toEqual(['uid-a']);
  });

  it('A6, A7: does not have that of a program that took the place of its own, nor of the name it was given later', async () => {
    for (const [moved, name] of [
      [`${genuine}.old`, 'renamed'],
      ['', 'deleted'],
    ] as const) {
      const path = callers.copyTo(join(theirs, name), A);
      await daemon.admin.createEntry({
        spiffe_id: `spiffe://example.org/now-${name}`,
        selectors: [`unix:uid:${A}`, `unix:path:${path}`],
      });
      const one = await callers.run(path, { uid: A });
      if (moved === '') rmSync(path);
      else renameSync(path, moved);
      callers.copyTo(path, A);
      expect(await idsOf(one)).toEqual(['uid-a']);
      expect(await idsOf(await callers.run(path, { uid: A }))).toEqual([`now-${name}`, 'uid-a']);
      // The file of the first is where the link says " (deleted)", and somebody put one there.
      callers.copyTo(`${path} (deleted)`, A);
      expect(await idsOf(one)).toEqual(['uid-a']);
    }
  });

  it('A2: with the right of a setuid program is the owner, as the kernel has it, and not who started it', async () => {
    for (const [owner, id] of [
      [B, 'uid-b'],
      [0, 'root'],
    ] as const) {
      const setuid = callers.copyTo(join(folder, 'bin', `right-of-${owner}`), owner, 0o4755);
      expect(await idsOf(await callers.run(setuid, { uid: A }))).toEqual([id]);
    }
  });

  it('A2: that connected and then became a setuid program gets nothing on that connection', async () => {
    for (const owner of [B, 0]) {
      const one = await callers.run(callers.copyTo(join(theirs, `own-${owner}`), A), { uid: A });
      const setuid = callers.copyTo(join(folder, 'bin', `setuid-${owner}`), owner, 0o4755);
      expect(await idsOf(one, `become ${setuid}`)).toEqual([]);
    }
  });

  it('A2, A5: that connected and then became the genuine program gets nothing on that connection', async () => {
    const one = await callers.run(callers.copyTo(join(theirs, 'becomes'), A), { uid: A });
    expect(await idsOf(one, `become ${genuine}`)).toEqual([]);
    expect(await idsOf(one)).toEqual(['pay', 'uid-a']);
  });

  it.each([
    ['status', 'Name:\\tpay\\nPid:\\t1\\nUid:\\t0\\t0\\t0\\t0\\nGid:\\t0\\t0\\t0\\t0\\nGroups:\\t0 \\n'],
    ['cgroup', '0::/init.scope\\n'],
    ['stat', '1 (pay) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\\n'],
    ['cmdline', 'pay\\0'],
  ])('A6: that mounted something over its own /proc/PID/%s is who it was', async (name, text) => {
    const forged = join(theirs, name);
    const wrap = mounted(
      `printf '${text}' >'${forged}' && mount --bind '${forged}' "/proc/$$/${name}" && cmp '${forged}' "/proc/$$/${name}"`,
    );
    expect(await idsOf(await callers.run(callers.program, { wrap }))).toEqual(['uid-a']);
  });

  it('A6: that put a /proc of its own making over all of it is who it was', async () => {
    const wrap = mounted(
      `mount -t tmpfs proc /proc && mkdir "/proc/$$" /proc/self && ln -s '${genuine}' "/proc/$$/exe" && ` +
        `ln -s '${genuine}' /proc/self/exe && printf 'Uid:\\t0\\t0\\t0\\t0\\n' >"/proc/$$/status"`,
    );
    expect(await idsOf(await callers.run(callers.program, { wrap }))).toEqual(['uid-a']);
  });

  /** In a mount namespace of its own, where root did `work`, as uid A; the pid stays the shell's. */
  function mounted(work: string): readonly string[] {
    const drop = `exec setpriv --reuid ${A} --regid ${A} --clear-groups "$@"`;
    return ['unshare', '--mount', 'sh', '-c', `${work} && ${drop}`, 'sh'];
  }
});
