// SPDX-License-Identifier: Apache-2.0
/** The detectors of a real daemon, over real processes, and what its commands show of them. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Source } from '../../src/client/x509-source.ts';
import { Callers, FETCH_SVID, HEADER } from '../support/callers.ts';
import { assayHere } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { asRoot } from '../support/peers.ts';

const VALUE = `hunter2-${process.pid}-${Date.now()}`;
const ID = 'spiffe://example.org/job';
let daemon: Daemon;
let callers: Callers;

beforeAll(async () => {
  daemon = await Daemon.start({ config: ['log: { level: debug }'] });
  callers = new Callers();
  await daemon.admin.createEntry(
    { id: 'job', spiffe_id: ID, selectors: ['unix:uid:4101'] },
    { kind: 'job', purpose: 'a test' },
  );
});
afterAll(async () => {
  await callers?.close();
  await daemon?.close();
});

const cli = (...words: readonly string[]) => assayHere([...words, '--admin-socket', daemon.adminSocket]);
const cliJson = async (...words: readonly string[]) => JSON.parse((await cli(...words, '-o', 'json')).out);

interface Shown {
  readonly id: number;
  readonly detector: string;
  readonly evidence: { readonly names?: readonly string[]; readonly login?: string; readonly outcome?: string };
}

async function findingsOf(identity: string, detector: string, least = 1): Promise<readonly Shown[]> {
  for (let tries = 0; ; tries += 1) {
    const { findings } = await cliJson('finding', 'list', '--open', '--identity', identity, '--detector', detector);
    if (findings.length >= least || tries === 200) return findings;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('static-secret', () => {
  asRoot('C5, I10: refuses nobody, and finds the name in the environment; the value is nowhere', async () => {
    const env = { PATH: '/bin', STRIPE_API_KEY: VALUE, DB_PASSWORD: VALUE };
    const caller = callers.call(daemon.workloadSocket, { uid: 4101, env });
    await caller.at(1);
    const [finding] = await findingsOf(ID, 'static-secret');
    expect(finding?.evidence).toMatchObject({ outcome: 'found', names: ['DB_PASSWORD', 'STRIPE_API_KEY'] });
    await caller.kill();
    const shown = await cli('finding', 'show', String(finding?.id));
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('names=DB_PASSWORD,STRIPE_API_KEY')]);
    const { events } = await cliJson('audit', 'query', '--kind', 'finding.');
    expect(events).toMatchObject([{ kind: 'finding.open', actor: 'assay', identity: ID }]);
    expect(JSON.stringify(events)).not.toContain(VALUE);
    expect(daemon.output).toContain('a finding was opened');
    expect(daemon.output).not.toContain(VALUE);
    for (const file of ['assay.db', 'assay.db-wal'])
      expect(readFileSync(join(daemon.dataDir, file)).includes(VALUE)).toBe(false);
  });
});

describe('human-use', () => {
  asRoot('NHI10: finds somebody at a login shell', async () => {
    const node = `${callers.folder}/node --no-warnings ${callers.folder}/bare-caller.ts`;
    const call = `${node} ${daemon.workloadSocket} ${FETCH_SVID} '${JSON.stringify(HEADER)}'; true`;
    const shell = `exec -a -bash bash -c "${call.replaceAll('"', '\\"')}"`;
    const at = spawn('script', ['-qec', shell, '/dev/null'], {
      cwd: callers.folder,
      env: { PATH: '/usr/bin:/bin', SHELL: '/bin/bash' },
      stdio: ['pipe', 'ignore', 'ignore'],
      uid: 4101,
      gid: 4101,
    });
    try {
      const [finding] = await findingsOf(ID, 'human-use');
      expect(finding?.evidence).toMatchObject({ login: '-bash' });
    } finally {
      at.kill('SIGKILL');
    }
  });
});

describe('replay-after-revocation', () => {
  it('I7: finds who still shows a token that was taken back', async () => {
    const uid = process.getuid?.();
    await daemon.admin.createEntry({ id: 'me', spiffe_id: 'spiffe://example.org/me', selectors: [`unix:uid:${uid}`] });
    const source = await X509Source.open({ socket: daemon.endpoint });
    const env = { SPIFFE_ENDPOINT_SOCKET: daemon.endpoint };
    const fetched = await assayHere(['fetch', 'jwt', '--audience', 'aud', '--raw'], { env });
    const token = fetched.out.trim();
    await daemon.admin.call('RevokeSvids', { spiffe_id: 'spiffe://example.org/me', reason: 'test' });
    const checked = await assayHere(['validate', 'jwt', '--audience', 'aud'], { env, input: token });
    expect(checked.err).toContain('taken back');
    const [finding] = await findingsOf('spiffe://example.org/me', 'replay-after-revocation');
    expect(finding?.evidence).toMatchObject({ kind: 'jwt', by: `uid:${uid}` });
    expect(JSON.stringify(finding)).not.toContain(token.split('.')[2]);
    source.close();
  });
});

describe('what the commands show', () => {
  it('a finding is closed once, for a reason', async () => {
    const [finding] = await findingsOf('spiffe://example.org/me', 'replay-after-revocation');
    const id = String(finding?.id);
    expect((await cli('finding', 'close', id)).err).toContain('--resolution');
    const closed = await cliJson('finding', 'close', id, '--resolution', 'a test of ours');
    expect(closed.finding).toMatchObject({ resolution: 'a test of ours', closed_by: `uid:${process.getuid?.()}` });
    const again = await cli('finding', 'close', id, '--resolution', 'again');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('closed already')]);
    expect((await cli('finding', 'show', 'x')).code).toBe(2);
    expect((await cli('finding', 'list', '--identity', 'spiffe://example.org/none')).err).toContain('no findings');
  });

  it('the report names what misses its targets, and fails where it is asked to', async () => {
    const text = await cli('report');
    expect([text.code, text.err]).toEqual([0, expect.stringContaining('targets are missed')]);
    expect(text.out).toMatch(/missed +answered-for +\d+(\.\d+)? % +at least 100 %/);
    expect(text.out).toContain('\nanswered-for\n  spiffe://example.org/me\n');
    const failing = await assayHere(['report', '--fail', '-o', 'json', '--admin-socket', daemon.adminSocket]);
    const { missed, metrics } = JSON.parse(failing.out);
    expect(failing.code).toBe(1);
    expect(missed).toBe(metrics.filter((one: { verdict: string }) => one.verdict === 'missed').length);
    const bare = await cliJson('report', '--offenders', '0');
    expect(bare.metrics.flatMap((one: { offenders: string[] }) => one.offenders)).toEqual([]);
    expect((await cli('report', '--offenders', '-1')).code).toBe(2);
  });
});
