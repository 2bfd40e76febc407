// SPDX-License-Identifier: Apache-2.0
/** Roles: who may write below which prefix, and whether they could connect at all. */
import { describe, expect, it } from '@jest/globals';
import { inspect, PLACES } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');

const HEAD = PLACES.replace(' }\n', ', admin_group: assay-admin }\n');
const roleOf = (uid: number, prefix = 'spiffe://example.org/team-a/'): string =>
  `admin: { roles: [ { role: registrar, uid: ${uid}, spiffe_id_prefix: "${prefix}" } ] }\n`;
const asRoot = process.getuid!() === 0 ? it : it.skip;

describe('roles', () => {
  asRoot.each([
    ['a member of the admin group', 1001],
    ['one whose first group it is', 1002],
    ['root', 0],
  ])('are taken for %s', async (_, uid) => {
    const { config, problems, warnings } = await inspect(dir, { yaml: HEAD + roleOf(uid) });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([]);
    expect(config.admin.roles).toEqual([{ role: 'registrar', uid, spiffeIdPrefix: 'spiffe://example.org/team-a/' }]);
  });

  asRoot('are refused for a uid outside the admin group, with the command that adds it', async () => {
    const { problems } = await inspect(dir, { yaml: HEAD + roleOf(1003) });
    expect(problems[0]?.message).toContain('(carl) is not in the group assay-admin');
    expect(problems[0]?.hint).toBe('run: usermod -aG assay-admin carl');
  });

  asRoot('are refused for a uid outside root’s group, where no admin group is set', async () => {
    const { problems } = await inspect(dir, { yaml: PLACES + roleOf(1001) });
    expect(problems[0]?.hint).toContain('set sockets.admin_group');
  });

  asRoot('warn of a uid that has no account here', async () => {
    const { problems, warnings } = await inspect(dir, { yaml: HEAD + roleOf(4242) });
    expect(problems).toEqual([]);
    expect(warnings[0]).toContain('uid 4242 has no account here');
  });

  it('end their prefix with a slash, so that it covers whole segments', async () => {
    for (const prefix of ['spiffe://example.org/team-a', 'spiffe://example.org/team-a/', 'spiffe://example.org']) {
      const { config } = await inspect(dir, { yaml: HEAD + roleOf(1001, prefix) });
      expect(config.admin.roles[0]?.spiffeIdPrefix).toMatch(/[^/]\/$/);
    }
  });

  it('are refused for a prefix outside the trust domain', async () => {
    const { problems } = await inspect(dir, {
      yaml: `trust_domain: example.org\n${HEAD}${roleOf(1001, 'spiffe://other.org/a/')}`,
    });
    expect(problems[0]?.message).toContain('is outside the trust domain example.org');
  });

  it('B7: take __proto__ as a segment', async () => {
    const { config } = await inspect(dir, { yaml: HEAD + roleOf(1001, 'spiffe://__proto__/constructor/') });
    expect(config.admin.roles[0]?.spiffeIdPrefix).toBe('spiffe://__proto__/constructor/');
  });

  asRoot('B3: need a daemon that runs as root', async () => {
    const { problems } = await inspect(dir, { yaml: HEAD + roleOf(1001), uid: 1 });
    expect(problems[0]?.field).toBe('admin.roles');
    expect(problems[0]?.message).toContain('only its own uid administers');
  });

  it('take a group by its number, in quotes or not', async () => {
    for (const group of ['950', '"950"']) {
      const { config, problems } = await inspect(dir, { yaml: PLACES.replace(' }\n', `, admin_group: ${group} }\n`) });
      expect([problems, config.sockets.adminGroup]).toEqual([[], '950']);
    }
    const { problems } = await inspect(dir, { yaml: PLACES.replace(' }\n', ', admin_group: "a b" }\n') });
    expect(problems[0]?.message).toContain('is no group name');
  });

  it('name a group that is not there', async () => {
    const { problems } = await inspect(dir, { yaml: PLACES.replace(' }\n', ', admin_group: nobodies }\n') });
    expect(problems[0]).toMatchObject({ field: 'sockets.admin_group (assay.yaml:2)', value: '"nobodies"' });
    expect(problems[0]?.hint).toBe('make it: groupadd --system nobodies');
  });
});
