// SPDX-License-Identifier: Apache-2.0
/** `assay config check` and `show`, and `doctor` without a daemon. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assayHere } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('cli');
const GOOD = [
  'trust_domain: example.org',
  `data_dir: ${dir}/data`,
  `sockets: { workload: ${dir}/w/api.sock, admin: ${dir}/a/admin.sock, task_dir: ${dir}/t }`,
  '',
].join('\n');

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('assay config check', () => {
  it('passes what is valid', async () => {
    const config = file('good.yaml', GOOD);
    expect(await assayHere(['config', 'check', '--config', config])).toEqual({
      code: 0,
      out: 'the configuration is valid\n',
      err: '',
    });
    expect(JSON.parse((await assayHere(['config', 'check', '--config', config, '-o', 'json'])).out)).toEqual({
      valid: true,
      problems: [],
      warnings: [],
    });
  });

  it('tells every mistake with its line and the next step', async () => {
    const config = file('bad.yaml', `${GOOD}svd: {}\nlog: { level: loud }\npolicy: {}\n`);
    const { code, out } = await assayHere(['config', 'check', '--config', config]);
    expect(code).toBe(1);
    expect(out).toContain('log.level (bad.yaml:5): "loud" is none of');
    expect(out).toContain('svd (bad.yaml:4): is no key of this configuration\n  next: did you mean svid?');
    expect(out).toContain('policy (bad.yaml:6): is reserved for policies');
    const { problems } = JSON.parse((await assayHere(['config', 'check', '--config', config, '-o', 'json'])).out);
    expect(problems).toHaveLength(3);
    expect(problems[0]).toEqual({
      reason: 'CONFIG_INVALID',
      message: 'log.level (bad.yaml:5): "loud" is none of: error, warn, info, debug',
      field: 'log.level (bad.yaml:5)',
      value: '"loud"',
      hint: 'use one of: error, warn, info, debug',
    });
  });

  it('refuses a file it cannot read', async () => {
    const { code, err } = await assayHere(['config', 'check', '--config', join(dir, 'none.yaml')]);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('does not exist') });
  });
});

describe('assay config show', () => {
  it('shows every value and where it comes from', async () => {
    const args = ['config', 'show', '--config', file('good.yaml', GOOD), '--log-level', 'debug'];
    const env = { ASSAY_CA_TTL: '48h' };
    const { settings } = JSON.parse((await assayHere([...args, '-o', 'json'], { env })).out);
    const of = (key: string) => settings.find((one: { key: string }) => one.key === key);
    expect(of('trust_domain')).toEqual({ key: 'trust_domain', value: 'example.org', source: 'good.yaml:1' });
    expect(of('ca.ttl')).toEqual({ key: 'ca.ttl', value: '2d', source: 'env ASSAY_CA_TTL' });
    expect(of('log.level')).toEqual({ key: 'log.level', value: 'debug', source: 'flag --log-level' });
    expect(of('svid.key_type')).toEqual({ key: 'svid.key_type', value: 'ec-p256', source: 'default' });
    expect((await assayHere(args, { env })).out).toMatch(/^ca\.ttl +2d +env ASSAY_CA_TTL$/m);
  });

  it('shows nothing of a configuration that is wrong', async () => {
    const { code, out } = await assayHere(['config', 'show', '--config', file('bad.yaml', 'x: 1\n')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });
});

describe('assay doctor without a daemon', () => {
  const doctor = async (yaml: string) => {
    const { code, out } = await assayHere(['doctor', '--config', file('doctor.yaml', yaml), '-o', 'json']);
    const checks: readonly { name: string; status: string; text: string; hint: string | null }[] =
      JSON.parse(out).checks;
    return { code, of: (name: string) => checks.find((check) => check.name === name) };
  };

  it('says that there is none, and looks at what it can', async () => {
    const { code, of } = await doctor(GOOD);
    expect(code).toBe(1);
    expect(of('configuration')).toMatchObject({ status: 'ok' });
    expect(of('daemon')).toMatchObject({ status: 'fail', text: expect.stringContaining('no daemon') });
    expect(of('data folder')).toMatchObject({ status: 'ok', text: expect.stringContaining('not there yet') });
    for (const name of ['daemon uid', 'executables', 'peer identity', 'descriptors'])
      expect(of(name)?.text).toBeDefined();
  });

  it('finds folders that are too open, and times a synced write', async () => {
    mkdirSync(join(dir, 'data'), { mode: 0o700 });
    mkdirSync(join(dir, 'w'));
    chmodSync(join(dir, 'w'), 0o777);
    mkdirSync(join(dir, 'a'), { mode: 0o755 });
    const { of } = await doctor(GOOD);
    expect(of('durability')?.text).toMatch(/synced write takes \d+\.\d\d ms|lies in memory/);
    expect(of('workload folder')).toMatchObject({ status: 'fail', hint: `chmod 0755 ${dir}/w` });
    expect(of('admin folder')).toMatchObject({ status: 'fail', hint: `chmod 0750 ${dir}/a` });
    chmodSync(join(dir, 'data'), 0o750);
    expect((await doctor(GOOD)).of('data folder')).toMatchObject({ status: 'fail', hint: `chmod 0700 ${dir}/data` });
  });

  it('names what is wrong with the configuration', async () => {
    const { of } = await doctor(`${GOOD}log: { level: loud }\n`);
    expect(of('configuration')).toMatchObject({ status: 'fail', text: expect.stringContaining('log.level') });
    expect(of('data folder')).toBeUndefined();
  });
});
