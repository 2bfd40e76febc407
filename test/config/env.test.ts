// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { inspect } from '../support/config.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('config');
const problemsOf = async (name: string, value: string) =>
  (await inspect(dir, { uid: 0, env: new Map([[name, value]]) })).problems;

describe('ASSAY_* variables', () => {
  it.each([
    ['ASSAY_SVID_X509_TTL', '30m'],
    ['ASSAY_LIMITS_STREAMS', '5'],
    ['ASSAY_ATTESTORS_UNIX_SHA256', 'false'],
    ['ASSAY_CA_KEY_MANAGER', 'memory'],
  ])('set a key: %s', async (name, value) => {
    const { problems, explained } = await inspect(dir, { uid: 0, env: new Map([[name, value]]) });
    expect(problems).toEqual([]);
    expect(explained.find(({ source }) => source === `env ${name}`)?.value).toBe(value);
  });

  it.each([
    ['ASSAY_ATTESTORS_MINE_MODULE', '/tmp/evil.js'],
    ['ASSAY_ATTESTORS_UNIX_MODULE', '/tmp/evil.js'],
    ['ASSAY_ATTESTORS_DOCKER_SOCKET', '/tmp/evil.sock'],
    ['ASSAY_ATTESTORS_DOCKER_INSECURE_ROOTLESS_UID', '1000'],
    ['ASSAY_MODULE', '/tmp/evil.js'],
  ])('A13: never name a module or an engine: %s', async (name, value) => {
    const [problem] = await problemsOf(name, value);
    expect(problem?.field).toBe(name);
  });

  it('A13: a reserved name is refused with what it is for', async () => {
    const [problem] = await problemsOf('ASSAY_POLICY_DIR', 'x');
    expect(problem?.message).toContain('reserved for policies');
  });

  it('suggest the name that was meant', async () => {
    const [problem] = await problemsOf('ASSAY_CA_TLL', '24h');
    expect(problem?.hint).toBe('did you mean ASSAY_CA_TTL?');
  });

  it('name themselves in an error of their value', async () => {
    const [problem] = await problemsOf('ASSAY_LIMITS_STREAMS', '0');
    expect(problem).toMatchObject({ field: 'ASSAY_LIMITS_STREAMS', value: '"0"' });
  });

  it('set no list', async () => {
    expect(await problemsOf('ASSAY_ADMIN_ROLES', '[]')).toHaveLength(1);
  });

  it('leave other names alone', async () => {
    expect(await problemsOf('ASSAYER', 'x')).toEqual([]);
  });
});
