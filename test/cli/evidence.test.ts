// SPDX-License-Identifier: Apache-2.0
/** `assay evidence` against a real daemon, and checked without one. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApprovalRequest } from '../../src/approvals/request.ts';
import { requestDigest, requestText, statementText } from '../../src/approvals/statement.ts';
import { parseSshKey } from '../../src/lib/ssh-key.ts';
import type { ApprovalRecord, DecidedApproval } from '../../src/store/approvals.ts';
import type { Store } from '../../src/store/store.ts';
import { digestOf } from '../../src/tasks/request.ts';
import { openStore } from '../store/samples.ts';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { aTask, requestFor } from '../support/evidence-story.ts';
import { asRoot } from '../support/peers.ts';
import { tempDir } from '../support/temp-dir.ts';

const dir = tempDir('evidence');
const at = (name: string): string => join(dir, name);
const READ = ['--intent', 'crm:read'];
const APPROVED = '01jdqw3h5v8z9k2m4n6p7r8s9t';
const MINUTE = 60_000;
let bench: AgentBench;
let logKey = '';

beforeAll(async () => {
  bench = await AgentBench.start();
  logKey = (await bench.good('audit', 'checkpoint', '--key')).trim();
}, 60_000);
afterAll(() => bench?.close());

/** Nothing but the file. */
const verify = (file: string, ...flags: string[]): Promise<CliResult> =>
  assayHere(['evidence', 'verify', file, ...flags]);
// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function verified(file: string, ...flags: string[]): Promise<any> {
  const { out } = await verify(file, '--log-key', logKey, '-o', 'json', ...flags);
  return JSON.parse(out);
}

describe('assay evidence', () => {
  asRoot('of a task that ran is checked with the log key alone', async () => {
    const { program, call } = bench.follower(READ);
    await call.at(1);
    const [{ id }] = (await bench.json('task', 'list', '--limit', '1')).tasks;
    // While it runs.
    await bench.good('evidence', id, '--out', at('running'));
    expect(await verified(at('running'))).toMatchObject({
      verified: true,
      remarks: [expect.stringContaining('the task was not over')],
      issued: [{ kind: 'x509', revoked_at: null }],
    });
    program.child.kill('SIGTERM');
    await program.ended;
    await over(id);
    await bench.good('evidence', id, '--out', at('over'));
    expect(statSync(at('over')).mode & 0o777).toBe(0o600);
    const told = await verified(at('over'));
    expect(told).toMatchObject({
      ...{ verified: true, faults: [], remarks: [], log_key: logKey, log_key_known: true, approval: null },
      task: {
        id,
        identity: AGENT,
        uid: AGENT_UID,
        intents: ['crm:read'],
        steps: [{ state: 'active' }, { state: 'ended', end: 'failed' }],
      },
      issued: [{ kind: 'x509', revoke_reason: 'its task ended: failed' }],
      policies: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    expect(told.task.selectors).toContain(`unix:uid:${AGENT_UID}`);
    const { out, err, code } = await verify(at('over'), '--log-key', logKey);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^given: 1 as spiffe:\/\/example\.org\/agent\/task\/.{26}, 1 taken back before their end$/m);
    expect(out).toMatch(/verdict: it holds\n$/);
    // Printed, it is the same.
    const printed = await bench.good('evidence', id);
    writeFileSync(at('printed'), printed);
    expect((await verified(at('printed'))).task).toEqual(told.task);
  });

  asRoot('B5: says aloud that the log key is only what the file says', async () => {
    const { code, err } = await verify(at('over'));
    expect(code).toBe(0);
    expect(err).toContain('WARNING: the log key is the one that the file itself names');
    expect(err).toContain(logKey);
    const other = await verify(at('over'), '--log-key', logKey.replace(/.{4}$/, 'AAAA'));
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('its key id is not that of its key') });
  });

  asRoot('of a task that policy denied tells why', async () => {
    await bench.task(['--intent', 'crm:write'], ['/bin/true']).ended;
    const [{ id }] = (await bench.json('task', 'list', '--limit', '1')).tasks;
    await bench.good('evidence', id, '--out', at('denied'));
    expect(await verified(at('denied'))).toMatchObject({
      verified: true,
      task: { steps: [{ state: 'denied', end: 'policy' }] },
      issued: [],
    });
  });

  asRoot(
    'of a task that people approved has what they signed, under keys that are known elsewhere',
    async () => {
      await approvedTask();
      await bench.good('evidence', APPROVED, '--out', at('approved'));
      const keys = ['alice', 'bob'].flatMap((name) => ['--human-key', `${name}=${at(`${name}.pub`)}`]);
      const told = await verified(at('approved'), ...keys);
      expect(told).toMatchObject({
        ...{ verified: true, faults: [], remarks: [] },
        approval: {
          state: 'approved',
          votes: [
            { human: 'alice', decision: 'approve', key_known: true, enrolled_by: 'uid:0' },
            { human: 'bob', reason: 'ticket 4711', key_known: true },
          ],
        },
      });
      expect(told.approval.votes[0].key).toBe(readFileSync(at('alice.pub'), 'utf8').split(' ').slice(0, 2).join(' '));
      expect(told.issued).toHaveLength(MANY);
      expect(told.children).toEqual([{ id: `${APPROVED.slice(0, -1)}v`, identity: AGENT }]);
      expect((await verify(at('approved'), '--log-key', logKey)).out).toMatch(
        /approve by bob with ecdsa-sha2-nistp256 .*the log alone says/,
      );
      // Keys that are not theirs.
      const wrong = await verify(at('approved'), '--log-key', logKey, '--human-key', `alice=${at('bob.pub')}`);
      expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining('FAULT: event') });
      expect(wrong.out).toMatch(/verdict: it does not hold, 1 faults\n$/);
    },
    120_000,
  );
});

describe('is refused', () => {
  asRoot('of a task that there is not', async () => {
    expect(await bench.run('evidence', 'none')).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no task'),
    });
  });

  asRoot('where something is already', async () => {
    const [{ id }] = (await bench.json('task', 'list', '--limit', '1')).tasks;
    expect((await bench.run('evidence', id, '--out', at('over'))).err).toContain('cannot be written (EEXIST)');
  });

  it.each<[string, readonly string[], string]>([
    ['a file that is not there', [at('nowhere')], 'cannot be read: ENOENT'],
    ['a key of nobody', [at('over'), '--human-key', at('alice.pub')], 'is not of the form NAME=FILE'],
    ['a key file that is not there', [at('over'), '--human-key', `alice=${at('nowhere')}`], 'cannot be read: ENOENT'],
  ])('%s', async (_, args, why) => {
    const { code, err } = await assayHere(['evidence', 'verify', ...args]);
    expect(code).not.toBe(0);
    expect(err).toContain(why);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function over(id: string): Promise<any> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { task } = await bench.json('task', 'show', id);
    if (task.end !== null) return task;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`task ${id} does not end`);
}

const MANY = 250;

/** As the daemon would write it: nothing lets a task wait for people yet. */
async function approvedTask(): Promise<void> {
  for (const [name, type, uid] of [
    ['alice', 'ed25519', '70001'],
    ['bob', 'ecdsa', '70002'],
  ] as const) {
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', at(name)]);
    await bench.good('human', 'add', name, '--uid', uid, '--team', 'ops');
    await bench.good('human', 'key', 'add', name, '--file', `${at(name)}.pub`);
  }
  const { sets } = await bench.json('policy', 'list');
  const [{ id: entryId, revision: entryRevision }] = (await bench.json('entry', 'list')).entries;
  const { authorities } = await bench.json('authority', 'x509', 'show');
  const authorityId = authorities.find(({ slot }: { slot: string }) => slot === 'active').id;
  const log = (await bench.good('audit', 'checkpoint')).split('\n')[0] as string;
  const now = Date.now();
  const times = { createdAt: now, stateSince: now, deadline: now + 60 * MINUTE };
  const said = { ...aTask(), id: APPROVED, root: APPROVED, identity: AGENT, policyHash: sets[0].hash, ...times };
  const task = { ...said, digest: digestOf(said, 60 * MINUTE) };
  const request: ApprovalRequest = requestFor(task, { log, notAfter: now + 15 * MINUTE });
  const whole = { agent: '{"gids":[2000],"uids":[2000]}', uid: 2_000, quorum: 2, strength: 1 };
  await bench.daemon.stop();
  const store = await openStore(bench.daemon.dataDir);
  await store.tasks.create(task, 1, AGENT);
  await store.approvals.open(
    {
      ...{ id: task.id, kind: 'task', identity: AGENT, request: requestText(request), digest: requestDigest(request) },
      ...{ ...whole, createdAt: now, notAfter: request.notAfter, state: 'pending', stateSince: now, stateReason: null },
      revision: 1,
    },
    AGENT,
  );
  await castBy(store, request, 'alice', null);
  await castBy(store, request, 'bob', 'ticket 4711', { state: 'approved', reason: 'approved by alice, bob' });
  const began = { ...task, state: 'active', revision: 2 } as const;
  await store.tasks.activate(began, 1, 'assay', Date.now());
  const child = { ...began, id: `${APPROVED.slice(0, -1)}v`, parent: APPROVED, depth: 1, revision: 1 };
  await store.tasks.create(child, 1, AGENT);
  const decidedOn = { entryId, entryRevision, identityRevision: 1, authorityId };
  const one = (no: number) => ({
    ...{ serial: no.toString(16).padStart(32, '0'), task: APPROVED, kind: 'x509' as const, spiffeId: AGENT, entryId },
    ...{ authorityId, issuedAt: Date.now(), notBefore: now, notAfter: now + 15 * MINUTE, askedTtlMs: 15 * MINUTE },
    ...{ audiences: [], pid: 4_242, uid: 2_000, gid: 2_000, startTime: '987654', marks: [], facts: '{}', decidedOn },
  });
  await Promise.all(Array.from({ length: MANY }, (_, no) => store.record(one(no + 1))));
  await store.tasks.end(APPROVED, 'completed', 'done', AGENT, Date.now());
  await store.close();
  await bench.daemon.start();
}

/** By ssh-keygen, as `assay approve` does. */
async function castBy(
  store: Store,
  request: ApprovalRequest,
  name: string,
  reason: string | null,
  decided?: DecidedApproval,
): Promise<void> {
  const statement = statementText({ decision: 'approve', human: name, reason, request });
  const args = ['-Y', 'sign', '-q', '-f', at(name), '-n', 'approval@example.org'];
  const signature = execFileSync('ssh-keygen', args, {
    input: statement,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const { fingerprint } = parseSshKey(readFileSync(at(`${name}.pub`), 'utf8').trim());
  const vote = {
    request: request.id,
    human: name,
    decision: 'approve',
    fingerprint,
    strength: 1,
    proof: 'none',
  } as const;
  const { revision } = store.approvals.get(request.id) as ApprovalRecord;
  await store.approvals.vote(
    { ...vote, counter: null, statement, signature, at: Date.now() },
    { revision, humans: [[name, 2]] },
    decided,
    'uid:0',
  );
}
