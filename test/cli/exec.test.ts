// SPDX-License-Identifier: Apache-2.0
/** `assay exec` against a real daemon: what the program is, what it inherits, and what is said when it cannot be started. */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assay, type CliResult, runProgram } from '../support/cli.ts';
import { Daemon, top } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const ID = 'spiffe://example.org/launched';
const folder = tempDir('exec-command');
const caller = join(folder, 'bare-caller.ts');
let daemon: Daemon;

beforeAll(async () => {
  chmodSync(folder, 0o755);
  copyFileSync(join(top, 'test/support/bare-caller.ts'), caller);
  daemon = await Daemon.start({ config: ['attestors: { unix: {}, launcher: {} }'] });
  const selectors = [`launcher:spiffe_id:${ID}`];
  await daemon.admin.call('CreateEntry', { entry: { spiffe_id: ID, selectors } });
});
afterAll(() => daemon.close());

const launch = (words: readonly string[], env: Record<string, string> = {}, flags: readonly string[] = []) =>
  assay(['exec', '--spiffe-id', ID, '--socket', daemon.endpoint, ...flags, '--', ...words], { env });

/** A script that the launched program is. */
function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

const fetchWords = (): string[] => [
  process.execPath,
  '--no-warnings',
  caller,
  daemon.workloadSocket,
  '/SpiffeWorkloadAPI/FetchX509SVID',
  '{"workload.spiffe.io":"true"}',
];

describe('a program', () => {
  it('A12: gets the identity it was launched under, and nobody else does', async () => {
    const once = script(
      'once.ts',
      readFileSync(caller, 'utf8').replace("say('message', {", "setImmediate(()=>process.exit(0)); say('message', {"),
    );
    const words = fetchWords().map((word) => (word === caller ? once : word));
    const { out } = await launch(words);
    expect(JSON.parse(out.split('\n')[0] as string)).toMatchObject({ event: 'message' });
    const alone = await runProgram(words[0] as string, words.slice(1));
    expect(alone.out).toMatch(/no identity issued/);
  });

  it('takes the place of the launcher: same pid, same arguments, its own exit status', async () => {
    const file = script('pid.sh', '#!/bin/sh\necho "$$ $0 $*"; exit 7\n');
    const { out, err, code } = await runProgram('/bin/sh', [
      '-c',
      `echo $$; exec ${join(top, 'bin/assay')} exec --spiffe-id ${ID} --socket ${daemon.endpoint} -- ${file} 'a b' --spiffe-id x`,
    ]);
    const [pid, said] = out.split('\n');
    expect({ said, err, code }).toEqual({ said: `${pid} ${file} a b --spiffe-id x`, err: '', code: 7 });
  });

  it('A12: is given none of the variables that load code, but for those kept by name', async () => {
    const bad = [
      'LD_PRELOAD_X',
      'LD_LIBRARY_PATH',
      'NODE_OPTIONS',
      'NODE_PATH',
      'PYTHONPATH',
      'PYTHONSTARTUP',
      'PERL5OPT',
    ];
    const also = ['RUBYOPT', 'BASH_ENV', 'ENV', 'GCONV_PATH', 'JAVA_TOOL_OPTIONS', 'OPENSSL_CONF', 'SSLKEYLOGFILE'];
    const env = Object.fromEntries([...bad, ...also, 'HARMLESS', 'LIST'].map((name) => [name, `/${name}`]));
    const kept = ['--keep-env', 'LD_LIBRARY_PATH', '--keep-env=PYTHONPATH', '--keep-env', 'NOT_THERE'];
    const names = (result: CliResult) => result.out.split('\n').map((line) => line.split('=')[0] as string);
    const plain = names(await launch(['/usr/bin/env'], env));
    expect(plain.filter((name) => [...bad, ...also].includes(name) || name.startsWith('ASSAY_'))).toEqual([]);
    expect(plain).toEqual(expect.arrayContaining(['HARMLESS', 'LIST', 'PATH', 'SPIFFE_ENDPOINT_SOCKET']));
    const some = await launch(['/usr/bin/env'], env, kept);
    const left = some.out.split('\n').filter((line) => /^(LD_|PYTHON|NODE_|ASSAY_)/.test(line));
    expect(left.sort()).toEqual(['LD_LIBRARY_PATH=/LD_LIBRARY_PATH', 'PYTHONPATH=/PYTHONPATH']);
  });

  it('is told where the Workload API is, unless it is told already', async () => {
    const read = ['/bin/sh', '-c', 'echo $SPIFFE_ENDPOINT_SOCKET'];
    expect((await launch(read)).out).toBe(`${daemon.endpoint}\n`);
    const other = { SPIFFE_ENDPOINT_SOCKET: 'unix:///elsewhere.sock' };
    expect((await launch(read, other)).out).toBe('unix:///elsewhere.sock\n');
  });

  it('A12: inherits no open file but the first three and those kept by number', async () => {
    const list = 'ls /proc/self/fd; [ ! -e /proc/self/fd/17 ] || cat /proc/self/fd/17';
    const shell = (flags: string): Promise<CliResult> =>
      runProgram('/bin/bash', [
        '-c',
        `exec 5</etc/passwd 17<<<kept 40</etc/passwd; exec "${top}/bin/assay" exec --spiffe-id ${ID} --socket ${daemon.endpoint} ${flags} -- /bin/sh -c '${list}'`,
      ]);
    // The last is ls's own.
    expect((await shell('')).out.trim().split('\n')).toEqual(['0', '1', '2', '3']);
    const kept = await shell('--keep-fd 17');
    expect(kept.out.trim().split('\n')).toEqual(['0', '1', '17', '2', '3', 'kept']);
  });

  it('has signals, limits and pipes as they were before the launcher', async () => {
    const read = 'grep SigIgn /proc/self/status; ulimit -S -n; cd /proc/self/fdinfo; grep -h flags 0 1 2';
    const before = await runProgram('/bin/sh', ['-c', `ulimit -S -n 1000; exec /bin/sh -c '${read}'`]);
    const after = await runProgram('/bin/sh', [
      '-c',
      `ulimit -S -n 1000; exec "${top}/bin/assay" exec --spiffe-id ${ID} --socket ${daemon.endpoint} -- /bin/sh -c '${read}'`,
    ]);
    expect(after.out).toBe(before.out.replace(/SigIgn:\t\w+/, 'SigIgn:\t0000000000000000'));
    expect(after.out).toMatch(/\n1000\n/);
  });
});

describe('what cannot be started', () => {
  const plainFile = (): string => {
    const file = join(folder, 'plain');
    writeFileSync(file, 'echo hello\n', { mode: 0o755 });
    return file;
  };

  it.each<[string, () => string, number, RegExp]>([
    ['is nowhere in PATH', () => 'no-such-program', 127, /"no-such-program" was not found: it is in no folder of PATH/],
    ['does not exist', () => '/no/such/program', 127, /"\/no\/such\/program" was not found: there is no such file/],
    ['may not be executed', () => '/etc/passwd', 126, /"\/etc\/passwd" cannot be executed: it may not be executed/],
    ['is a folder', () => '/etc', 126, /"\/etc" cannot be executed: it is a folder/],
    ['is no program', plainFile, 126, /neither an ELF program nor a script/],
    [
      'has no interpreter',
      () => script('bad', '#!/no/interpreter -x\n'),
      126,
      /its interpreter "\/no\/interpreter" does not/,
    ],
  ])('is told before anything is bound, as a shell would exit: %s', async (_what, word, code, message) => {
    const result = await launch([word()]);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: '' });
    expect(result.err).toMatch(message);
  });

  it.each([
    [['exec', '--', 'true'], /--spiffe-id: is required/],
    [['exec', '--spiffe-id', ID], /missing required argument 'cmd'/],
    [['exec', '--spiffe-id', ID, '--keep-fd', '2', 'true'], /--keep-fd: "2" is no number from 3 on/],
    [['exec', '--spiffe-id', ID, '--keep-fd', '99', 'true'], /--keep-fd: "99" is not open/],
    [['exec', '--spiffe-id', ID, '--socket', 'tcp://127.0.0.1:1', 'true'], /is no unix socket/],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await assay(args as string[]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) });
  });

  it('says that there is no daemon', async () => {
    const { code, err } = await assay(['exec', '--spiffe-id', ID, '--socket', 'unix:///nowhere/api.sock', 'true']);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/no daemon: there is no socket/) });
  });

  it.each([
    ['spiffe://example.org/nobody', /there is no entry of "spiffe:\/\/example.org\/nobody"[\s\S]*assay entry create/],
    ['spiffe://example.org/', /--spiffe-id .*is refused/],
    ['example', /--spiffe-id .*is refused/],
  ])('%s is refused by the daemon, with the next thing to do', async (id, message) => {
    const { code, out, err } = await assay(['exec', '--spiffe-id', id, '--socket', daemon.endpoint, 'true']);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: expect.stringMatching(message) });
  });

  it('says so where the daemon launches nothing', async () => {
    const other = await Daemon.start();
    const { code, err } = await assay(['exec', '--spiffe-id', ID, '--socket', other.endpoint, 'true']);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/launcher attestor is off[\s\S]*launcher: {}/),
    });
    await other.close();
  });
});
