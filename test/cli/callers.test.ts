// SPDX-License-Identifier: Apache-2.0
/** Who may administer, over the real socket: other uids, roles, and root of other namespaces (attacks B3, C1). */
import { chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assay, type CliResult, runProgram } from '../support/cli.ts';
import { Daemon, top } from '../support/daemon.ts';

const asRoot = process.getuid!() === 0 ? it : it.skip;
const REGISTRAR = 54_321;
let daemon: Daemon;

beforeAll(async () => {
  const roles = `admin: { roles: [ { role: registrar, uid: ${REGISTRAR}, spiffe_id_prefix: spiffe://example.org/team-a/ } ] }`;
  daemon = await Daemon.start(process.getuid!() === 0 ? { config: [roles] } : {});
});
afterAll(() => daemon.close());

const as = (uid: string, ...args: string[]): Promise<CliResult> =>
  runProgram(join(top, 'tools/node/run'), [
    join(top, 'test/support/assay-as.ts'),
    uid,
    ...args,
    '--admin-socket',
    daemon.adminSocket,
  ]);

const create = (path: string): string[] => [
  'entry',
  'create',
  '--spiffe-id',
  `spiffe://example.org${path}`,
  '--selector',
  'unix:uid:5',
];

describe('administration', () => {
  asRoot('is out of reach for a uid that is not in the group of the admin folder', async () => {
    const { code, err } = await as('54322', 'entry', 'list');
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('permission denied') });
  });

  asRoot('C1: is refused to a uid that reaches the socket and has no role', async () => {
    const group = 54_999;
    for (const path of [dirname(daemon.adminSocket), daemon.adminSocket]) chownSync(path, 0, group);
    const read = await as(`54322:${group}`, 'entry', 'list');
    expect(read).toMatchObject({ code: 1, out: '', err: expect.stringContaining('uid 54322 may not read here') });
    const write = await as(`54322:${group}`, ...create('/x'));
    expect(write).toMatchObject({ code: 1, err: expect.stringContaining('uid 54322 may not change anything') });

    const own = await as(`${REGISTRAR}:${group}`, ...create('/team-a/x'));
    expect(own).toMatchObject({ code: 0, out: expect.stringContaining(`by uid:${REGISTRAR}`) });
    expect((await as(`${REGISTRAR}:${group}`, 'entry', 'count')).out).toBe('1\n');
    const other = await as(`${REGISTRAR}:${group}`, ...create('/team-b/x'));
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('is not below it') });
    const bundle = await as(`${REGISTRAR}:${group}`, 'bundle', 'delete', 'x.example');
    expect(bundle).toMatchObject({ code: 1, err: expect.stringContaining('DeleteBundle needs root') });
    expect(daemon.output).toMatch(/an admin call was refused rpc=CreateEntry uid=54321/);
  });

  asRoot.each([
    ['pid', ['unshare', '--pid', '--fork']],
    ['mount', ['unshare', '--mount']],
    ['user', ['unshare', '--user', '--map-root-user']],
  ])('B3: is refused to root of another %s namespace', async (_, through) => {
    const { code, out, err } = await assay(['entry', 'list', '--admin-socket', daemon.adminSocket], { through });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('namespaces, as from inside a container');
    expect(err).toContain('next: run the command on the host');
  });
});
