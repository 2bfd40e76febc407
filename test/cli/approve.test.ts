// SPDX-License-Identifier: Apache-2.0
/** `assay approvals`, `approve` and `reject` against a real daemon, signed by ssh-keygen and by an ssh-agent. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { requestDigest, requestText } from '../../src/approvals/statement.ts';
import { openStore } from '../store/samples.ts';
import { grantRequest } from '../support/approval.ts';
import { assayHere, type CliOptions, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';

const AGENT = 'spiffe://example.org/agent/support-bot';
const dir = tempDir('approve');
const keyOf = (name: string): string => join(dir, name);
let daemon: Daemon;
let agent: Readonly<Record<string, string>> = {};

const run = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  assayHere([...args, '--admin-socket', daemon.adminSocket], options);

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(args: readonly string[], options: CliOptions = {}): Promise<any> {
  const { code, out, err } = await run([...args, '-o', 'json'], options);
  expect({ args, code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out);
}

beforeAll(async () => {
  daemon = await Daemon.start();
  for (const [at, name] of ['alice', 'bob', 'mallory'].entries()) {
    execFileSync('ssh-keygen', ['-q', '-t', at === 1 ? 'ecdsa' : 'ed25519', '-N', '', '-f', keyOf(name)]);
    if (name === 'mallory') continue;
    await json(['human', 'add', name, '--uid', `${70_001 + at}`, '--team', 'ops']);
    await json(['human', 'key', 'add', name, '--file', `${keyOf(name)}.pub`]);
  }
  await json(['identity', 'create', AGENT, '--owner', 'team:ops']);
  await daemon.stop();
  await ask();
  await daemon.start();
  const started = execFileSync('ssh-agent', ['-s', '-a', join(dir, 'agent.sock')], { encoding: 'utf8' });
  agent = { SSH_AUTH_SOCK: join(dir, 'agent.sock'), SSH_AGENT_PID: /SSH_AGENT_PID=(\d+)/.exec(started)?.[1] ?? '' };
  execFileSync('ssh-add', ['-q', keyOf('bob')], { env: { ...process.env, ...agent } });
}, 60_000);
afterAll(async () => {
  if (agent.SSH_AGENT_PID !== undefined) process.kill(Number(agent.SSH_AGENT_PID));
  await daemon?.close();
});

/** As whoever runs the daemon would be asked: nothing asks for grants yet. */
async function ask(): Promise<void> {
  const store = await openStore(daemon.dataDir);
  const now = Date.now();
  const times = { from: now, deadline: now + 3_600_000, notAfter: now + 900_000 };
  const base = { identity: AGENT, owner: 'team:ops', requestedBy: null, needStrength: 1, ...times } as const;
  const requests: readonly ApprovalRequest[] = [
    grantRequest({ ...base, id: 'grant-1', needCount: 2 }),
    ...['grant-2', 'grant-3', 'grant-4'].map((id) => grantRequest({ ...base, id })),
  ];
  for (const request of requests)
    await store.approvals.open(
      {
        ...{ id: request.id, kind: request.kind, identity: request.identity, request: requestText(request) },
        ...{ digest: requestDigest(request), agent: '{"gids":[2000],"uids":[2000]}', uid: null },
        ...{ quorum: request.needCount, strength: 1, createdAt: now, notAfter: request.notAfter },
        ...{ state: 'pending', stateSince: now, stateReason: null, revision: 1 },
      },
      'uid:0',
    );
  await store.close();
}

it('what is asked is listed and shown, approved by two people with a key each, and stands in the log', async () => {
  expect((await run(['approvals'])).out).toMatch(/grant-4.*\n.*grant-3.*\n.*grant-2.*\n.*grant-1/s);
  const { approvals } = await json(['approvals']);
  expect(approvals).toHaveLength(4);
  expect((await run(['approvals', 'show', 'grant-1'])).out).toContain('needs          2 with strength 1');
  // By a file, after a look.
  const first = await run(['approve', 'grant-1', '--key', keyOf('alice')], { typed: 'approve' });
  expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/state +pending.*missing +1.*approve +alice/s) });
  expect(first.err).toContain('This is what you sign:');
  expect(first.err).toContain('intents         "payments:read", "payments:refund"');
  // By the agent, asked for nothing.
  const second = await json(['approve', 'grant-1', '--yes', '--reason', 'ticket 4711'], { env: agent });
  expect(second.approval).toMatchObject({ state: 'approved', state_reason: 'approved by alice, bob', missing: 0 });
  const [, vote] = second.approval.votes;
  expect(JSON.parse(vote.statement)).toMatchObject({ decision: 'approve', human: 'bob', reason: 'ticket 4711' });
  // Whoever has the files checks them without us.
  const [allowed, signature] = [join(dir, 'allowed'), join(dir, 'vote.sig')];
  writeFileSync(allowed, `bob namespaces="approval@example.org" ${readFileSync(`${keyOf('bob')}.pub`, 'utf8')}`);
  writeFileSync(signature, vote.signature);
  const args = ['-Y', 'verify', '-f', allowed, '-I', 'bob', '-n', 'approval@example.org', '-s', signature];
  expect(execFileSync('ssh-keygen', args, { input: vote.statement, encoding: 'utf8' })).toContain('Good');
  expect((await run(['approve', 'grant-1', '--yes'], { env: agent })).err).toContain(
    'is not asked any more: it is approved',
  );
  expect((await assayHere(['audit', 'verify', '--config', daemon.configFile])).out).toContain(
    'all is as it was written',
  );
});

it('a rejection is signed with its reason, and ends it', async () => {
  expect((await run(['reject', 'grant-2', '--key', keyOf('alice'), '--yes'])).err).toContain('--reason: is required');
  const args = ['reject', 'grant-2', '--key', keyOf('alice'), '--yes', '--reason', 'not this account'];
  const { approval } = await json(args);
  expect(approval).toMatchObject({ state: 'rejected', state_reason: 'rejected by alice: not this account' });
  expect((await json(['approvals', '--all'])).approvals.map((one: { state: string }) => one.state)).toEqual([
    ...['pending', 'pending', 'rejected', 'approved'],
  ]);
});

it('C4: what is signed elsewhere is written as it is shown, and taken for nothing else', async () => {
  const file = join(dir, 'statement');
  const written = await run(['approve', 'grant-3', '--human', 'alice', '--statement-out', file]);
  expect(written).toMatchObject({ code: 0, err: expect.stringContaining('This is what you sign:') });
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', keyOf('alice'), '-n', 'approval@example.org', file], {
    stdio: 'pipe',
  });
  const files = ['--statement', file, '--signature', `${file}.sig`];
  for (const wrong of [
    ['reject', 'grant-3'],
    ['approve', 'grant-4'],
  ] as const)
    expect((await run([...wrong, ...files])).err).toContain('is not what this command says');
  expect((await json(['approve', 'grant-3', ...files])).approval.state).toBe('approved');
});

describe('nothing is signed', () => {
  it.each<[string, readonly string[], CliOptions, string]>([
    ['where nobody could have seen it', ['--key', keyOf('alice')], {}, '--yes: is required where there is no terminal'],
    [
      'C4: on a terminal that breaks lines',
      ['--key', keyOf('alice')],
      { typed: 'approve', columns: 79 },
      'narrower than 80',
    ],
    ['C4: where it was not confirmed', ['--key', keyOf('alice')], { typed: 'y' }, 'nothing was signed'],
    ['with a key that is nobody’s', ['--key', keyOf('mallory'), '--yes'], {}, 'is registered here'],
    ['without a key', ['--yes'], {}, 'no key of the ssh-agent (it has none) is registered here'],
    ['with a file that is not there', ['--key', keyOf('none'), '--yes'], {}, 'cannot be read: ENOENT'],
    [
      'for one human by the key of another',
      ['--key', keyOf('alice'), '--human', 'bob', '--yes'],
      {},
      '--human: goes with',
    ],
    ['with half of what was signed elsewhere', ['--signature', keyOf('x')], {}, '--statement: goes with --signature'],
  ])('%s', async (_, args, options, why) => {
    const refused = await run(['approve', 'grant-4', ...args], options);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain(why);
    expect((await json(['approvals', 'show', 'grant-4'])).approval.votes).toEqual([]);
  });

  it('over a file that is there', async () => {
    const args = ['approve', 'grant-4', '--human', 'alice', '--statement-out', `${keyOf('alice')}.pub`];
    expect((await run(args)).code).toBe(1);
    expect(existsSync(`${keyOf('alice')}.pub`)).toBe(true);
    expect(readFileSync(`${keyOf('alice')}.pub`, 'utf8')).toMatch(/^ssh-ed25519 /);
  });
});
