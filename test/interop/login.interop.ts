// SPDX-License-Identifier: Apache-2.0
/** `examples/attestors/login`, made by the commands of its README: a plugin in Python, as the daemon runs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { attestorContract } from '../../src/attestation/contract.ts';
import type { Attestor, ProcessHandle } from '../../src/attestation/plugin.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { commandSource } from '../../src/plugins/command-plugin.ts';
import { externalAttestor } from '../../src/plugins/external-attestor.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { Daemon } from '../support/daemon.ts';
import { PeerBench } from '../support/peers.ts';
import { madeBy } from './readme-steps.ts';

const page = 'examples/attestors/login/README.md';
const sources = ['attestor.py', 'requirements.txt'].map((file) => `examples/attestors/login/${file}`);
const uid = process.getuid?.() ?? 0;
/** Whoever runs this test may have logged in or not; a process may set what was never set. */
const logIn = (login: number): string[] => ['sh', '-c', `echo ${login} > /proc/self/loginuid && exec "$@"`, 'sh'];
const mayLogIn = spawnSync('sh', ['-c', 'echo 4242 > /proc/self/loginuid']).status === 0;
const withLogin = mayLogIn ? it : it.skip;

let folder: string;
let sockets: string;
const command = (): string[] => [join(folder, 'bin/python'), '-B', join(folder, 'attestor.py')];

beforeAll(() => {
  folder = madeBy(page, '/opt/assay-login', [...sources, 'proto/assay/plugin/v1/attestor.proto']);
  sockets = mkdtempSync(join(tmpdir(), 'assay-login-'));
}, 300_000);
afterAll(() => rmSync(sockets, { recursive: true, force: true }));

const attestors: Attestor[] = [];
afterEach(async () => {
  for (const attestor of attestors.splice(0)) await attestor.close?.();
});

let made = 0;
async function make(config: unknown = undefined): Promise<Attestor> {
  const parent = join(sockets, `run-${made++}`);
  const owner = { uid, gid: process.getgid?.() ?? 0 };
  const tools = { clock: systemClock, log: silentLogger, random: systemRandom, uid, answerMs: 5_000 };
  const source = commandSource({ name: 'login', command: command(), owner, parent }, tools);
  const attestor = await externalAttestor({ name: 'login', config, strength: 'claimed' }, source, tools);
  attestors.push(attestor);
  return attestor;
}

async function caller(login: number): Promise<ProcessHandle> {
  const bench = await PeerBench.open();
  const { peer } = await bench.connect(await bench.caller({ wrap: logIn(login) }));
  return peer.process;
}

describe('the login attestor, as an attestor,', () => {
  const cases = attestorContract({
    make: () => make(),
    applies: () => caller(4_242),
    another: () => caller(4_243),
    doesNotApply: () => caller(7),
  });
  for (const { title, run } of cases) withLogin(title, run);

  it('refuses a configuration that it does not know', async () => {
    await expect(make({ least: 5 })).rejects.toMatchObject({
      reason: 'PLUGIN_REFUSED',
      message: expect.stringMatching(/config takes least_uid/),
    });
  });

  withLogin('takes no descriptor for another’s, however many looks run at once', async () => {
    const attestor = await make();
    const processes = await Promise.all([caller(4_242), caller(4_243)]);
    const looks = Array.from({ length: 200 }, (_, at) =>
      attestor.attest(processes[at % 2] as ProcessHandle, new AbortController().signal),
    );
    for (const [at, answer] of (await Promise.all(looks)).entries()) {
      expect(answer).toMatchObject({ selectors: [{ value: `uid:${4_242 + (at % 2)}`, strength: 'claimed' }] });
    }
  });
});

describe('a daemon with the login attestor', () => {
  let daemon: Daemon;

  beforeAll(async () => {
    const login = `login: { command: ${JSON.stringify(command())}, config: { least_uid: 1000 }, strength: claimed }`;
    daemon = await Daemon.start({ config: [`attestors: { unix: {}, ${login} }`] });
  });
  afterAll(() => daemon?.close());

  withLogin('issues to who logged in, and to nobody else', async () => {
    const bench = join(import.meta.dirname, '../../bin/assay');
    const selectors = [`unix:uid:${uid}`, 'login:uid:4242'];
    await daemon.admin.createEntry({ spiffe_id: 'spiffe://example.org/admin/ana', selectors });
    const fetch = (login: number) => {
      const [shell = '', ...words] = [...logIn(login), bench, 'fetch', 'x509', '--socket', daemon.endpoint];
      return spawnSync(shell, words, { encoding: 'utf8' });
    };
    expect(fetch(4_242).stdout).toContain('spiffe://example.org/admin/ana');
    expect(fetch(4_243).stderr).toContain('no');
    expect(fetch(4_243).status).toBe(1);
  });

  it('shows how it stands in doctor, and leaves nothing behind', async () => {
    const { checks } = await daemon.admin.call('GetDoctor', {});
    const check = checks.find(({ name }: { name: string }) => name === 'attestor login');
    expect(check).toMatchObject({ status: 'ok', text: expect.stringMatching(/python as uid \d+ serves since \d+ s/) });
    expect(daemon.output).toContain('plugin wrote');
  });
});
