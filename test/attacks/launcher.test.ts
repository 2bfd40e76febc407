// SPDX-License-Identifier: Apache-2.0
/** Attacks A12 and C1 against a whole daemon: who may launch what, and what a launched program may do before it is no more. */
import { chmodSync, constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Daemon, top } from '../support/daemon.ts';
import { launchFolders, pathsOf, withCgroups } from '../support/launch-cgroups.ts';
import { LineProgram } from '../support/line-program.ts';
import { tempDir } from '../support/temp-dir.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
const [LAUNCHER, STRANGER] = [54_321, 54_322];
const TEAM = 'spiffe://example.org/team-a';

const folder = tempDir('launched');
const node = join(folder, 'node');
const program = join(folder, 'launched-program.ts');
const started: LineProgram[] = [];

const role = (prefix: string, options = ''): string =>
  `{ role: launcher, uid: ${LAUNCHER}, spiffe_id_prefix: "${prefix}/"${options} }`;
const ROLES = [
  role(TEAM),
  role(`${TEAM}/exec`, ', allow_exec: true'),
  role(`${TEAM}/listed`, ', programs: [ /usr/bin/sleep ]'),
  role(`${TEAM}/children`, ', children: true'),
  `{ role: launcher, uid: 0, spiffe_id_prefix: "spiffe://example.org/dropped/", allow_uid_change: true }`,
];
const IDS = ['/x', '/exec/x', '/listed/x', '/children/x'].map((path) => TEAM + path);
const OTHERS = ['spiffe://example.org/dropped/x', 'spiffe://example.org/team-b/x'];

beforeAll(() => {
  chmodSync(folder, 0o755);
  copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
  copyFileSync(join(top, 'test/support/launched-program.ts'), program);
});

async function until(reached: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error('not reached');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

afterEach(async () => {
  for (const one of started.splice(0)) await one.end();
});

describe.each([
  { how: 'with the process connector', command: [join(top, 'bin/assay')] },
  // Outside the first network namespace the kernel reports no execs.
  { how: 'with looks alone', command: ['unshare', '--net', join(top, 'bin/assay')] },
])('a launched program, $how', ({ how, command }) => {
  let daemon: Daemon;
  beforeAll(async () => {
    if (!isRoot) return;
    const config = ['attestors: { unix: {}, launcher: {} }', `admin: { roles: [ ${ROLES.join(', ')} ] }`];
    daemon = await Daemon.start({ command, config });
    for (const id of [...IDS, ...OTHERS])
      await daemon.admin.call('CreateEntry', { entry: { spiffe_id: id, selectors: [`launcher:spiffe_id:${id}`] } });
  });
  afterAll(() => daemon?.close());

  /** `assay exec` under a uid, with the launched program or another one. */
  function launch(
    uid: number,
    id: string,
    words = [node, '--no-warnings', program, daemon.workloadSocket],
  ): LineProgram {
    const as = [join(top, 'test/support/assay-as.ts'), `${uid}:${uid}`];
    const exec = ['exec', '--spiffe-id', id, '--socket', daemon.endpoint, '--', ...words];
    const one = new LineProgram(join(top, 'tools/node/run'), ['--no-warnings', ...as, ...exec], { cwd: folder });
    started.push(one);
    return one;
  }

  async function codeOf(one: LineProgram, order = 'fetch'): Promise<number> {
    one.say(order);
    return (await one.heard('fetched', 20_000))['code'] as number;
  }

  async function ready(one: LineProgram): Promise<LineProgram> {
    await one.heard('ready', 20_000);
    return one;
  }

  const PERMISSION_DENIED = 7;

  asRoot('runs where execs are seen as this half of the test says', async () => {
    const { checks } = (await daemon.admin.call('GetDoctor', {})) as { checks: { name: string; text: string }[] };
    const text = checks.find(({ name }) => name === 'exec and exit')?.text ?? '';
    expect(/reports them as they happen/.test(text)).toBe(how.includes('connector'));
  });

  asRoot('A12: is known by its ID; the same program under the same uid that was not launched is not', async () => {
    const one = await ready(launch(LAUNCHER, IDS[0] as string));
    expect(await codeOf(one)).toBe(0);
    const ids = { uid: LAUNCHER, gid: LAUNCHER, cwd: folder };
    const other = new LineProgram(node, ['--no-warnings', program, daemon.workloadSocket], ids);
    started.push(other);
    expect(await codeOf(await ready(other))).toBe(PERMISSION_DENIED);
    expect(await codeOf(one, 'child')).toBe(PERMISSION_DENIED);
  });

  asRoot('A12: is not known any more after a second exec, unless its rule allows it', async () => {
    for (const [id, code] of [
      [IDS[0], PERMISSION_DENIED],
      [IDS[1], 0],
    ] as const) {
      const one = await ready(launch(LAUNCHER, id as string));
      expect(await codeOf(one)).toBe(0);
      one.say('again');
      await one.heard('ready', 20_000);
      expect(await codeOf(one)).toBe(code);
    }
  });

  asRoot('A12: is not known when it is none of the programs of the rule', async () => {
    expect(await codeOf(await ready(launch(LAUNCHER, IDS[2] as string)))).toBe(PERMISSION_DENIED);
  });

  asRoot('A12: is not known any more under another uid, unless the rule allows it', async () => {
    for (const [id, code] of [
      ['spiffe://example.org/team-b/x', PERMISSION_DENIED],
      [OTHERS[0], 0],
    ] as const) {
      const one = await ready(launch(0, id as string));
      expect(await codeOf(one)).toBe(0);
      one.say(`be ${STRANGER}`);
      await one.heard('done');
      expect(await codeOf(one)).toBe(code);
    }
  });

  withCgroups('A12: has children that are known where the rule says so, and gives its cgroup back', async () => {
    const before = pathsOf(process.pid);
    const one = await ready(launch(LAUNCHER, IDS[3] as string));
    expect(await codeOf(one)).toBe(0);
    expect(await codeOf(one, 'child')).toBe(0);
    const during = pathsOf(one.pid).filter((path) => path.includes('assay-launch-'));
    expect(during).toHaveLength(1);
    expect(pathsOf(one.pid)).not.toEqual(before);
    await one.end();
    await until(() => !launchFolders().some((folder) => folder.endsWith(during[0] as string)));
  });

  asRoot.each<[string, number, string, RegExp]>([
    ['a uid without a rule', STRANGER, `${TEAM}/x`, /no rule lets uid 54322 launch anything/],
    ['a uid beyond its prefix', LAUNCHER, 'spiffe://example.org/team-b/x', /is not below it/],
    ['a uid at its prefix', LAUNCHER, TEAM, /is not below it/],
  ])('A12, C1: is not started for %s', async (_who, uid, id, message) => {
    await expect(launch(uid, id).heard('ready', 20_000)).rejects.toThrow(message);
  });
});
