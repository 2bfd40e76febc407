// SPDX-License-Identifier: Apache-2.0
/** The role `launcher`: who may launch below which prefix, and what a launched program may do (attack A12). */
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('launcher-role');
const asRoot = process.getuid!() === 0 ? it : it.skip;
const ON = 'attestors: { unix: {}, launcher: {} }\n';
const roles = (...rows: string[]): string => `admin: { roles: [ ${rows.join(', ')} ] }\n`;
const role = (options = '', uid = 1003): string =>
  `{ role: launcher, uid: ${uid}, spiffe_id_prefix: spiffe://example.org/a/${options} }`;

describe('a launcher', () => {
  asRoot('needs no admin group, and may nothing that is not named', async () => {
    const { config, problems, warnings } = await inspect(dir, { yaml: PLACES + ON + roles(role()) });
    expect([problems, warnings]).toEqual([[], []]);
    expect(config.admin.roles).toEqual([
      {
        role: 'launcher',
        uid: 1003,
        spiffeIdPrefix: 'spiffe://example.org/a/',
        allowExec: false,
        allowUidChange: false,
        children: false,
        programs: undefined,
      },
    ]);
    expect(config.attestors.launcher).toEqual({ execWithinMs: 10_000 });
  });

  asRoot('may what is named', async () => {
    const options =
      ', allow_exec: true, allow_uid_change: true, children: true, programs: [ /usr/bin/pay, "/opt/a b" ]';
    const { config, problems } = await inspect(dir, { yaml: PLACES + ON + roles(role(options)) });
    expect(problems).toEqual([]);
    expect(config.admin.roles[0]).toMatchObject({
      allowExec: true,
      allowUidChange: true,
      children: true,
      programs: ['/usr/bin/pay', '/opt/a b'],
    });
  });

  it.each<[string, string, RegExp]>([
    ['allow_exec that is no flag', ', allow_exec: maybe', /roles\[0\]\.allow_exec.*"maybe" is neither true nor false/],
    ['children that is a list', ', children: [ true ]', /children.*is neither true nor false/],
    ['programs that is no list', ', programs: /usr/bin/pay', /programs.*must be a list of paths/],
    ['an empty list of programs', ', programs: []', /programs.*must be a list of paths/],
    ['a relative program', ', programs: [ pay ]', /programs.*"pay" is not an absolute path/],
    [
      'a program with dots',
      ', programs: [ /usr/../bin/pay ]',
      /programs.*is not an absolute path in its shortest form/,
    ],
    ['a program that is a number', ', programs: [ 7 ]', /programs.*holds something that is no path/],
    ['an unknown option', ', allow_exce: true', /allow_exce.*is no key of a role/],
  ])('is refused with %s', async (_what, options, message) => {
    const { problems } = await inspect(dir, { yaml: PLACES + ON + roles(role(options)) });
    expect(problems[0]?.message).toMatch(message);
  });

  it('is refused twice for the same, and without the attestor', async () => {
    const twice = await inspect(dir, { yaml: PLACES + ON + roles(role(), role(', children: true')) });
    expect(twice.problems[0]?.message).toMatch(/names the launcher for uid 1003 below .*\/a\/ twice/);
    const off = await inspect(dir, { yaml: PLACES + roles(role()) });
    expect(off.problems[0]?.message).toMatch(/roles\[0\]\.role: "launcher" means nothing without the launcher/);
  });

  it('has options that a registrar has not', async () => {
    const yaml =
      PLACES + roles('{ role: registrar, uid: 0, spiffe_id_prefix: spiffe://example.org/a/, children: true }');
    expect((await inspect(dir, { yaml })).problems[0]?.message).toMatch(/children.*is no key of a role/);
  });
});

describe('the attestors', () => {
  it.each([
    ['attestors: { launcher: {} }\n', { launcher: { execWithinMs: 10_000 }, script: undefined, unix: undefined }],
    ['attestors: { launcher: { exec_within: 3s } }\n', { launcher: { execWithinMs: 3_000 } }],
    ['attestors: { script: { sha256: false } }\n', { launcher: undefined, script: { path: true, sha256: false } }],
    ['', { launcher: undefined, script: undefined }],
  ])('%j run as they are named', async (yaml, attestors) => {
    const { config, problems } = await inspect(dir, { yaml: PLACES + yaml });
    expect(problems).toEqual([]);
    expect(config.attestors).toMatchObject(attestors);
  });

  it.each([
    ['attestors: { launcher: { exec_within: 1h } }\n', /exec_within.*longer than 1m/],
    ['attestors: { launcher: { exec: 1s } }\n', /launcher\.exec .*is no key/],
    ['attestors: { launcher: true }\n', /launcher.*is a section/],
    ['attestors: { script: { digest: true } }\n', /script\.digest.*is no key/],
  ])('%j is refused', async (yaml, message) => {
    const { problems } = await inspect(dir, { yaml: PLACES + yaml });
    expect(problems[0]?.message).toMatch(message);
  });
});
