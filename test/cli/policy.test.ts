// SPDX-License-Identifier: Apache-2.0
/** `assay policy`, `target` and `why`: the folder of docs/policy.md, without a daemon and with a real one. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MOST_FILES, SET_MAX } from '../../src/policy/files.ts';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('policies');
const page = readFileSync(resolve(import.meta.dirname, '../../docs/policy.md'), 'utf8');
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? '';
const CEDAR = block('cedar');
const TESTS = block('yaml');
const BOT = 'spiffe://example.org/agent/support-bot';
const WRONG =
  '@id("a")\n@reason("r")\npermit (principal is Identity, action == Action::"use", resource)\nwhen { principal.knid == "x" };\n';

let count = 0;
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  count += 1;
  const path = join(top, String(count));
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}
const good = (): string => folder({ 'crm.cedar': CEDAR, 'tests.yaml': TESTS });

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
const read = ({ out }: CliResult): any => JSON.parse(out);

describe('without a daemon, policies', () => {
  it('are checked: those of docs/policy.md are good', async () => {
    const path = good();
    expect(await assay(['policy', 'check', path])).toMatchObject({ code: 0, out: '3 policies in 1 files are valid\n' });
    const { valid, hash, policies, problems } = read(await assay(['policy', 'check', path, '-o', 'json']));
    expect({ valid, problems }).toEqual({ valid: true, problems: [] });
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(policies[0]).toMatchObject({ id: 'support-reads-crm', effect: 'permit', file: 'crm.cedar', line: 1 });
  });

  it('that are wrong are told with file and line, and exit status 1', async () => {
    const path = folder({ 'a.cedar': WRONG });
    const { code, out } = await assay(['policy', 'check', path]);
    expect(code).toBe(1);
    expect(out).toMatch(/^a\.cedar:1: policy a .*knid/);
    const json = await assay(['policy', 'check', path, '-o', 'json']);
    expect(json.code).toBe(1);
    expect(read(json)).toMatchObject({ valid: false, hash: null, problems: [{ file: 'a.cedar', policy_id: 'a' }] });
  });

  it('are tested: the tests of docs/policy.md pass, and one that fails says what was', async () => {
    expect(await assay(['policy', 'test', good()])).toMatchObject({ code: 0, out: '6 of 6 tests passed\n' });
    const path = folder({ 'crm.cedar': CEDAR, 'tests.yaml': TESTS.replace('expect: allow,', 'expect: deny,') });
    const { code, out } = await assay(['policy', 'test', path]);
    expect(code).toBe(1);
    expect(out).toContain('failed: reads\n');
    expect(out).toContain('was       allow');
    expect(read(await assay(['policy', 'test', path, '-o', 'json']))).toMatchObject({ passed: 5, failed: 1 });
  });

  it('are explained for a test, and for a request in a file', async () => {
    const path = good();
    const { out } = await assay(['policy', 'explain', path, '--test', 'a program nobody knows']);
    expect(out).toMatch(/^decision +deny$/m);
    expect(out).toMatch(/^only this is in the way +no-new-binary:/m);
    const request = join(
      folder({ 'r.json': '{"principal":"bot","target":"payments","intents":["refund"]}' }),
      'r.json',
    );
    const asked = read(await assay(['policy', 'explain', path, '--request', request, '-o', 'json']));
    expect(asked).toMatchObject({
      outcome: 'approve',
      need: { count: 1, strength: 'touch', other_uid: false },
      alone: [],
    });
    expect(asked.assumed).toContain('action: begin');
    expect((await assay(['policy', 'explain', path])).err).toContain('needs a request');
    expect((await assay(['policy', 'explain', path, '--test', 'none'])).err).toContain('is no test');
  });

  it.each<readonly [name: string, make: () => string, message: string]>([
    ['in no folder', () => join(top, 'none'), 'cannot be read: ENOENT'],
    ['in an empty folder', () => folder({}), 'no file in it ends in .cedar'],
    [
      'C1: in a folder within',
      () => {
        const path = good();
        mkdirSync(join(path, 'more'));
        return path;
      },
      'folders within a folder of policies are not read',
    ],
    ['in no UTF-8', () => folder({ 'a.cedar': Uint8Array.of(0x2f, 0x2f, 0xff) }), 'no text in UTF-8'],
    ['beside tests that are no YAML', () => folder({ 'a.cedar': CEDAR, 'tests.yaml': '{' }), 'it is no YAML'],
    [
      'I9: in more files than there may be',
      () => folder(Object.fromEntries(Array.from({ length: MOST_FILES + 1 }, (_, n) => [`a${n}.cedar`, '']))),
      `more than ${MOST_FILES} files of policies`,
    ],
    [
      'I9: in a file without end',
      () => {
        const path = folder({ 'a.cedar': '' });
        truncateSync(join(path, 'a.cedar'), SET_MAX + 1);
        return path;
      },
      `at most ${SET_MAX} are taken`,
    ],
  ])('%s are refused', async (_name, make, message) => {
    const { code, out, err } = await assay(['policy', 'check', make()]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(message);
  });
});

describe('with a daemon', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await Daemon.start();
  });
  afterAll(() => daemon?.close());
  const run = (...args: string[]): Promise<CliResult> => assay([...args, '--admin-socket', daemon.adminSocket]);
  // biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
  async function json(...args: string[]): Promise<any> {
    const result = await run(...args, '-o', 'json');
    expect({ args, code: result.code, err: result.err }).toMatchObject({ code: 0 });
    return read(result);
  }
  const health = async (): Promise<{ status: string; text: string }> =>
    (await json('health')).checks.find(({ name }: { name: string }) => name === 'policies');

  it('a target is put, listed, shown and retired', async () => {
    await json('human', 'add', 'alice');
    const payments = ['--env', 'prod', '--impact', 'high', '--owner', 'human:alice', '--intent', 'refund'];
    const { target } = await json('target', 'put', 'payments', ...payments, '--audience', 'https://pay.example.org');
    expect(target).toMatchObject({ name: 'payments', owner: 'human:alice', orphaned: false, revision: 1 });
    const third = await run(
      'target',
      'put',
      'crm',
      '--env',
      'prod',
      '--impact',
      'low',
      '--intent',
      'read',
      '--third-party',
    );
    expect(third).toMatchObject({ code: 1, err: expect.stringContaining('review') });
    await json('target', 'put', 'crm', '--env', 'prod', '--impact', 'low', '--intent', 'read', '--intent', 'write');
    await json(
      'target',
      'put',
      'old',
      '--env',
      'prod',
      '--impact',
      'low',
      '--intent',
      'x',
      '--third-party',
      '--review-by',
      '30d',
    );
    expect((await run('target', 'show', 'old')).out).toMatch(/^third party +yes, to be reviewed/m);
    expect((await json('target', 'retire', 'old', '--reason', 'replaced')).target.retire_reason).toBe('replaced');
    expect((await run('target', 'list')).out).toMatch(/crm +active.*\n.*old +retired.*\n.*payments +active/);
    expect((await run('target', 'show', 'none')).err).toContain('assay target list');
    expect((await run('target', 'put', 'x', ...payments.with(5, 'human:nobody'))).err).toContain('--owner');
  });

  it('nothing is permitted before policies are, and why says so', async () => {
    await json(
      'identity',
      'create',
      BOT,
      '--kind',
      'agent',
      '--purpose',
      'support',
      '--env',
      'prod',
      '--label',
      'team=support',
    );
    expect((await json('why', BOT, 'crm', 'read')).reasons).toEqual([
      { policy_id: 'default', reason: 'no policies are loaded' },
    ]);
    expect((await run('policy', 'list')).err).toContain('no policies');
    expect(await health()).toMatchObject({ status: 'ok' });
  });

  it('policies are tried, applied and taken back; those refused leave what decides and health tells', async () => {
    const path = good();
    const { set: tried } = await json('policy', 'shadow', path);
    expect(tried).toMatchObject({ mode: 'shadow', loaded_by: `uid:${process.getuid?.()}`, left_at: null });
    expect((await json('policy', 'show', tried.hash)).tally).toEqual({ compared: 0, differed: 0, differences: [] });
    expect((await json('why', BOT, 'crm', 'read')).outcome).toBe('deny');
    expect((await json('policy', 'shadow', '--end')).set).toBeNull();
    expect((await json('policy', 'apply', path)).set).toMatchObject({ hash: tried.hash, mode: 'live' });
    expect((await json('why', BOT, 'crm', 'read')).outcome).toBe('allow');
    // What fails its tests is not sent; what another client sends is refused by the daemon.
    const failing = folder({ 'crm.cedar': CEDAR, 'tests.yaml': TESTS.replace('expect: allow,', 'expect: deny,') });
    expect((await run('policy', 'apply', failing)).err).toContain('1 of 6 tests fail, first "reads"');
    expect(await health()).toMatchObject({ status: 'ok' });
    await expect(daemon.admin.call('ApplyPolicy', { files: [{ name: 'a.cedar', text: WRONG }] })).rejects.toThrow();
    expect(await health()).toMatchObject({ status: 'warn', text: expect.stringContaining('decides still') });
    expect((await json('health')).status).toBe('yellow');
    expect((await json('why', BOT, 'crm', 'read')).outcome).toBe('allow');
    // Others, and back.
    await json('policy', 'apply', folder({ 'none.cedar': '' }));
    expect((await json('why', BOT, 'crm', 'read')).outcome).toBe('deny');
    expect(await health()).toMatchObject({ status: 'ok' });
    expect((await json('policy', 'rollback')).set.hash).toBe(tried.hash);
    const listed = await run('policy', 'list');
    expect(listed.out).toMatch(new RegExp(`live +${tried.hash}`));
    expect((await run('policy', 'show')).out).toContain('@id("support-reads-crm")');
  });

  it('why tells what is needed, of whom, and what alone is in the way', async () => {
    expect((await run('why', BOT, 'payments', 'refund')).out).toMatch(/^decision +approve, by 1 human with a touch$/m);
    const flags = ['--action', 'issue', '--uid-relation', 'other'];
    expect((await json('why', BOT, 'payments', 'refund', ...flags)).need).toEqual({
      count: 1,
      strength: 'key',
      other_uid: true,
    });
    expect((await json('why', BOT, 'payments', 'refund', '--approval', 'alice:touch')).outcome).toBe('allow');
    expect((await json('why', BOT, 'crm', 'read', '--ttl', '1h')).reasons[0].policy_id).toBe('default');
    const secret = await json(
      'why',
      BOT,
      'crm',
      'read',
      '--secrets',
      'found',
      '--depth',
      '1',
      '--selector',
      'unix:uid:1',
    );
    expect(secret.alone.map((one: { policy_id: string }) => one.policy_id)).toEqual([]);
    expect((await json('why', BOT, 'crm', 'read', '--finding', 'new-binary')).alone).toEqual([
      { policy_id: 'no-new-binary', reason: 'the program is new, and nobody has looked at that yet' },
    ]);
    const file = join(folder({ 'r.yaml': `principal: ${BOT}\ntarget: crm\nintents: [read]\ndepth: 4\n` }), 'r.yaml');
    expect((await json('why', '--request', file)).alone[0].policy_id).toBe('depth');
    expect((await run('why', BOT, 'none', 'read')).err).toContain('request.target');
    // The owner of a target leaves, and nobody answers for it.
    await json('human', 'deactivate', 'alice', '--reason', 'left');
    expect((await json('why', BOT, 'payments', 'refund')).alone[0].policy_id).toBe('target-live');
  });

  it('all of it is in the log, and there after a restart', async () => {
    const { events } = await json('audit', 'query', '--kind', 'policy.');
    expect(events.map(({ kind }: { kind: string }) => kind)).toEqual([
      'policy.shadow',
      'policy.shadow_end',
      'policy.apply',
      'policy.replace',
      'policy.apply',
      'policy.replace',
      'policy.rollback',
    ]);
    await daemon.stop();
    expect((await assay(['audit', 'verify', '--config', daemon.configFile])).out).toContain('all is as it was written');
    await daemon.start();
    expect((await json('why', BOT, 'crm', 'read')).outcome).toBe('allow');
    expect((await json('target', 'show', 'payments')).target.orphaned).toBe(true);
  });
});
