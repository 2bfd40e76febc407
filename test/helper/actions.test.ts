// SPDX-License-Identifier: Apache-2.0
/** What is done after a change, and only then: signals, commands, a program that the helper looks after. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HelperBench, read, until } from './bench.ts';
import { askHealth } from './health-client.ts';
import { RotatingApi } from './rotating-api.ts';

let api: RotatingApi;
let bench: HelperBench;
let witness: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  api = await RotatingApi.start();
  bench = new HelperBench();
  witness = join(bench.folder, 'witness');
});

afterEach(async () => {
  await bench.close();
  api.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const config = (rest: string, more = ''): string => `
socket: ${api.uri}
health: { socket: ${join(bench.folder, 'health.sock')} }
outputs:
  - name: web
    folder: ${bench.out}
    x509: { cert: tls.crt, key: tls.key }
${more.replace(/^/gm, '    ')}
${rest}`;

const health = (): ReturnType<typeof askHealth> => askHealth(join(bench.folder, 'health.sock'));
const lines = (): readonly string[] => (read(witness) ?? '').split('\n').filter((line) => line !== '');

/** Writes a line for each SIGHUP. */
async function listener(): Promise<ChildProcess> {
  const script = `trap 'echo hup >> ${witness}' HUP; echo ready >> ${witness}; while :; do sleep 0.05; done`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
  children.push(child);
  await until(() => lines().includes('ready'), 'the listener');
  return child;
}

describe('a signal by a pid file', () => {
  it('is sent after each change, to the pid that is there by then, and for nothing else', async () => {
    const pidFile = join(bench.folder, 'pid');
    const one = await listener();
    writeFileSync(pidFile, `${one.pid}\n`, { mode: 0o644 });
    bench.start(config('', `signal: { pid_file: ${pidFile}, signal: SIGHUP }`));
    await until(() => lines().filter((line) => line === 'hup').length === 1, `the first signal\n${bench.log}`);
    // The same again changes nothing.
    const same = api.make();
    api.rotate(same);
    await until(() => lines().filter((line) => line === 'hup').length === 2, 'the second signal');
    api.rotate(same);
    api.rotate(same);
    await sleep(300);
    expect(lines().filter((line) => line === 'hup')).toHaveLength(2);
    one.kill('SIGKILL');
    rmSync(witness);
    const two = await listener();
    writeFileSync(pidFile, `${two.pid}\nsecond line, as in postmaster.pid\n`);
    api.rotate();
    await until(() => lines().includes('hup'), 'a signal to the other process');
  });

  it('is tried again while the file is not there, and holds up no renewal', async () => {
    const pidFile = join(bench.folder, 'pid');
    bench.start(config('', `signal: { pid_file: ${pidFile} }`));
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    await until(() => bench.log.includes('cannot be read (ENOENT)'), 'a complaint');
    expect((await health()).actions[0]?.last_error).toContain('ENOENT');
    expect((await health()).code).toBe(200);
    api.rotate();
    await until(() => read(bench.path('tls.crt')) !== before, 'a renewal');
    const one = await listener();
    writeFileSync(pidFile, `${one.pid}`);
    await until(() => lines().includes('hup'), 'the signal');
  });
});

describe('a command', () => {
  it('runs without a shell after each change, once for changes that come while it runs', async () => {
    const script = join(bench.folder, 'reload.sh');
    writeFileSync(script, `#!/bin/sh\necho "$# $1" >> ${witness}\nsleep 0.5\n`, { mode: 0o755 });
    bench.start(config('', `run: { command: [${script}, "$HOME; echo"] }`));
    await until(() => lines().length === 1, `the command\n${bench.log}`);
    expect(lines()[0]).toBe('1 $HOME; echo');
    for (let turn = 0; turn < 5; turn += 1) {
      api.rotate();
      await sleep(40);
    }
    await until(() => lines().length === 2, 'the command for all five');
    await sleep(800);
    expect(lines().length).toBeLessThanOrEqual(3);
  });

  it('that fails is said to have failed, run again, and holds up no renewal', async () => {
    const script = join(bench.folder, 'reload.sh');
    writeFileSync(script, `#!/bin/sh\necho run >> ${witness}\n[ -e ${witness}.ok ]\n`, { mode: 0o755 });
    bench.start(config('', `run: { command: [${script}] }`));
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    await until(() => lines().length > 1, 'a second try');
    expect((await health()).actions[0]?.last_error).toContain('ended with status 1');
    api.rotate();
    await until(() => read(bench.path('tls.crt')) !== before, 'a renewal');
    writeFileSync(`${witness}.ok`, '');
    const end = Date.now() + 10_000;
    while ((await health()).actions[0]?.last_error !== null && Date.now() < end) await sleep(50);
    expect((await health()).actions[0]).toMatchObject({ last_error: null, done: 1 });
  });

  it('that hangs is ended with all it started, and holds up no renewal', async () => {
    const script = join(bench.folder, 'reload.sh');
    writeFileSync(script, `#!/bin/sh\nsleep 1000 &\necho $! >> ${witness}\ntrap '' TERM\nsleep 1000\n`, {
      mode: 0o755,
    });
    bench.start(config('', `run: { command: [${script}], timeout: 300ms }`));
    const before = await until(() => read(bench.path('tls.crt')), `tls.crt\n${bench.log}`);
    const grandchild = Number(await until(() => lines()[0], 'the command'));
    api.rotate();
    await until(() => read(bench.path('tls.crt')) !== before, 'a renewal');
    await until(() => bench.log.includes('had not ended after 300ms and was ended'), 'its end', 15_000);
    await until(() => !isAlive(grandchild), 'the end of what it started');
  });

  it('that still runs when the helper stops is asked to end', async () => {
    const script = join(bench.folder, 'reload.sh');
    writeFileSync(
      script,
      `#!/bin/sh\ntrap 'echo term >> ${witness}; exit 0' TERM\necho run >> ${witness}\nsleep 1000 & wait\n`,
      { mode: 0o755 },
    );
    bench.start(config('', `run: { command: [${script}] }`));
    await until(() => lines().length === 1, `the command\n${bench.log}`);
    expect(await bench.stop()).toBe(0);
    expect(lines()).toEqual(['run', 'term']);
  });

  it('that is not there is said so', async () => {
    bench.start(config('', 'run: { command: [/no/such/program] }'));
    await until(() => bench.log.includes('could not be started (ENOENT)'), `a complaint\n${bench.log}`);
    expect(await bench.stop()).toBe(0);
  });
});

describe('a program that the helper looks after', () => {
  const program = (script: string): string => {
    const path = join(bench.folder, 'program.sh');
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  };
  const serving = (): string =>
    program(`trap 'echo hup >> ${witness}' HUP
trap 'echo term >> ${witness}; exit 7' TERM
trap 'echo int >> ${witness}; exit 8' INT
trap 'echo usr2 >> ${witness}' USR2
[ -s ${bench.path('tls.key')} ] && [ -s ${bench.path('tls.crt')} ] && echo "started $MORE" >> ${witness}
while :; do sleep 0.02; done`);

  it('starts when the files are there, hears of changes, gets our signals and gives us its status', async () => {
    bench.start(config(`supervise: { command: [${serving()}], signal: SIGHUP, env: { MORE: more } }`));
    await until(() => lines().includes('started more'), `the program\n${bench.log}`);
    api.rotate();
    await until(() => lines().includes('hup'), 'a signal after the change');
    bench.signal('SIGUSR2');
    await until(() => lines().includes('usr2'), 'a signal that was handed on');
    expect(await bench.stop()).toBe(7);
    expect(lines()).toEqual(['started more', 'hup', 'usr2', 'term']);
  });

  it('has the environment that the helper was given, also what Node itself must not see', async () => {
    const env = {
      NODE_ENV: 'production',
      NODE_OPTIONS: '--no-such-option',
      LD_LIBRARY_PATH: '/x y',
      SSL_CERT_DIR: "it's $HOME `here`\nNODE_NOT_SET=x",
      LOCPATH: '/l',
      OTHER: 'o',
    };
    const script = program(`env -0 > ${witness}; exit 0`);
    bench.start(config(`supervise: { command: [${script}], env: { OTHER: p } }`), { env });
    expect(await bench.ended()).toBe(0);
    const got = new Map((read(witness) ?? '').split('\0').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
    expect(Object.fromEntries([...got].filter(([name]) => name in env))).toEqual({ ...env, OTHER: 'p' });
    expect([...got.keys()].filter((name) => name.startsWith('ASSAY_') || name === 'NODE_COMPILE_CACHE')).toEqual([]);
  });

  it('gets an interrupt as one', async () => {
    bench.start(config(`supervise: { command: [${serving()}] }`));
    await until(() => lines().length > 0, `the program\n${bench.log}`);
    bench.signal('SIGINT');
    expect(await bench.ended()).toBe(8);
  });

  it('that dies ends the helper with its status, unless it shall be started again', async () => {
    bench.start(config(`supervise: { command: [${program('exit 3')}] }`));
    expect(await bench.ended()).toBe(3);
    bench.start(config(`supervise: { command: [${program('kill -KILL $$')}] }`));
    expect(await bench.ended()).toBe(128 + 9);
    bench.start(config('supervise: { command: [/no/such/program] }'));
    expect(await bench.ended()).toBe(127);
    bench.start(config(`supervise: { command: [${program('exit 0')}], restart: on-failure }`));
    expect(await bench.ended()).toBe(0);
  });

  it('that dies is started again with pauses, while the files are kept fresh', async () => {
    bench.start(config(`supervise: { command: [${program(`echo run >> ${witness}; exit 3`)}], restart: always }`));
    await until(() => lines().length === 2, `a second start\n${bench.log}`);
    const before = read(bench.path('tls.crt'));
    api.rotate();
    await until(() => read(bench.path('tls.crt')) !== before, 'a renewal');
    expect((await health()).program).toMatchObject({ last_end: 'status 3' });
    expect(await bench.stop()).toBe(3);
  });

  it('that does not end in time is killed', async () => {
    bench.start(
      config(
        `supervise: { command: [${program(`trap '' TERM; echo run >> ${witness}; while :; do sleep 0.05; done`)}], stop_timeout: 300ms }`,
      ),
    );
    await until(() => lines().length > 0, `the program\n${bench.log}`);
    expect(await bench.stop()).toBe(128 + 9);
  });
});

describe('cmd of spiffe-helper', () => {
  const hcl = (script: string): string => {
    const path = join(bench.folder, 'cmd.sh');
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return `agent_address = "${api.api.path}"
cmd = "${path}"
cmd_args = "\\"one two\\" three"
cert_dir = "out"
renew_signal = "SIGHUP"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "svid_bundle.pem"
`;
  };

  it('starts with the first certificate, is signalled at a renewal, and started again then if it has ended', async () => {
    const script = `echo "start $1|$2" >> ${witness}
trap 'echo hup >> ${witness}; exit 0' HUP
while :; do sleep 0.02; done`;
    bench.start(hcl(script), { file: 'helper.conf' });
    await until(() => lines().length === 1, `the start\n${bench.log}`);
    expect(lines()[0]).toBe('start one two|three');
    expect(existsSync(bench.path('svid_key.pem'))).toBe(true);
    await sleep(100);
    api.rotate();
    await until(() => lines().length === 2, 'the signal');
    expect(lines()[1]).toBe('hup');
    await until(() => bench.log.includes('program ended'), 'its end');
    await sleep(200);
    expect(lines()).toHaveLength(2);
    api.rotate();
    await until(() => lines().length === 3, 'another start');
    expect(await bench.stop()).toBe(0);
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
