// SPDX-License-Identifier: Apache-2.0
/** A grant from its request to its end on a real daemon, signed by ssh-keygen, and tasks that begin under it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { assayHere } from '../support/cli.ts';
import { asRoot } from '../support/peers.ts';
import { newSshKey, rawSshsig } from '../support/sshsig.ts';

const SK = 'sk-ssh-ed25519@openssh.com';
const REFUND = ['--intent', 'payments:refund=order 7'];
const RUN = ['/bin/sh', '-c', 'echo "ran $ASSAY_TASK_ID"'];
let bench: AgentBench;
beforeAll(async () => {
  bench = await AgentBench.start();
  await bench.human('alice', AGENT_UID + 100);
  await bench.good('identity', 'renew', AGENT, '--owner', 'human:alice');
}, 60_000);
afterAll(() => bench?.close());

const ask = async (...more: string[]) => {
  const words = ['--identity', AGENT, '--intent', 'payments:refund', '--purpose', 'support shift'];
  const window = more.includes('--for') ? [] : ['--for', '8h'];
  return (await bench.json('grant', 'request', ...words, ...window, ...more)).grant;
};
const grantOf = async (id: string) => (await bench.json('grant', 'show', id)).grant;
const over = async ({ child, ended }: ReturnType<AgentBench['task']>): Promise<number | null> => {
  await ended;
  return child.exitCode;
};

describe('a grant', () => {
  asRoot(
    'is signed once, and lets as many tasks begin as it says, whom nobody is asked about',
    async () => {
      const { id, state } = await ask('--max-tasks', '2');
      expect(state).toBe('pending');
      const early = bench.task([...REFUND, '--grant', id], RUN);
      expect(await over(early)).toBe(1);
      expect(await bench.good('approvals', 'show', id)).toContain('payments:refund');
      expect(await bench.decide('approve', id, 'alice')).toMatchObject({ code: 0 });
      expect(await grantOf(id)).toMatchObject({ state: 'active', used: 0, state_reason: 'approved by alice' });
      for (const [used, stands] of [
        [1, 'active'],
        [2, 'exhausted'],
      ] as const) {
        const program = bench.task([...REFUND, '--grant', id], RUN);
        const task = String((await program.heard('text'))['text']).replace('ran ', '');
        expect(await over(program)).toBe(0);
        expect((await bench.json('task', 'show', task)).task).toMatchObject({ grant: id, end: 'completed' });
        expect(await grantOf(id)).toMatchObject({ state: stands, used });
        const file = join(bench.daemon.folder, `${stands}.evidence`);
        await bench.good('evidence', task, '--out', file);
        const known = ['--log-key', (await bench.good('audit', 'checkpoint', '--key')).trim()];
        const { out } = await assayHere(['evidence', 'verify', file, ...known, '-o', 'json']);
        expect(JSON.parse(out)).toMatchObject({
          ...{ verified: true, faults: [], remarks: [], approval: null },
          grant: { id, use: used, max_tasks: 2, approval: { state: 'approved', votes: [{ human: 'alice' }] } },
        });
        expect((await assayHere(['evidence', 'verify', file, ...known])).out).toContain(`task ${used} of 2`);
        const changed = readFileSync(file, 'utf8').replaceAll('support shift', 'support drift');
        writeFileSync(file, changed);
        expect(await assayHere(['evidence', 'verify', file, ...known])).toMatchObject({ code: 1 });
      }
      expect(await over(bench.task([...REFUND, '--grant', id], RUN))).toBe(1);
      expect((await bench.json('approvals')).approvals).toEqual([]);
      const { out } = await assayHere(['audit', 'verify', '--config', bench.daemon.configFile]);
      expect(out).toContain('all is as it was written');
    },
    60_000,
  );

  asRoot(
    'is told what of it was used, with the commands that ask for no more, and they are taken',
    async () => {
      const { id } = await ask('--intent', 'crm:read', '--max-tasks', '5');
      await bench.decide('approve', id, 'alice');
      expect((await bench.json('grant', 'tighten', id)).commands).toEqual([
        `assay grant revoke ${id} --reason 'not used'`,
      ]);
      const { program, call } = bench.follower([...REFUND, '--grant', id]);
      await call.at(1);
      program.child.kill('SIGKILL');
      await program.ended;
      const told = await bench.json('grant', 'tighten', id);
      expect(told).toMatchObject({
        tasks: { began: 1, given_credentials: 1 },
        intents: [
          { intent: 'crm:read', tasks: 0, instead: [] },
          { intent: 'payments:refund', tasks: 1, instead: ['payments:refund=order 7'] },
        ],
        proposed: { intents: ['payments:refund=order 7'], max_tasks: 1, max_task_ttl_seconds: 60 },
        is_less: true,
      });
      expect(await bench.good('grant', 'tighten', id)).toContain('1 tasks began');
      const [command] = told.commands as string[];
      expect(command).toContain("--intent 'payments:refund=order 7' --purpose 'support shift' --for 1m --max-tasks 1");
      const words = [...(command as string).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
      const { grant } = await bench.json(...(words.slice(1) as string[]));
      expect(grant).toMatchObject({ state: 'pending', intents: ['payments:refund=order 7'], max_tasks: 1 });
    },
    60_000,
  );

  asRoot(
    'I7: that is taken back ends what runs under it, and its credentials; C1: it gives no more than was signed',
    async () => {
      const { id } = await ask();
      await bench.decide('approve', id, 'alice');
      for (const flags of [
        ['--intent', 'crm:read'],
        [...REFUND, '--ttl', '59m'],
      ])
        expect(await over(bench.task([...flags, '--grant', id], RUN))).toBe(1);
      expect((await grantOf(id)).used).toBe(0);
      const { program, call } = bench.follower([...REFUND, '--grant', id]);
      await call.at(1);
      const { grant, ended } = await bench.json('grant', 'revoke', id, '--reason', 'shift is over');
      expect(grant).toMatchObject({ state: 'revoked', state_reason: 'shift is over' });
      expect(ended).toMatchObject([{ state: 'ended', end: 'revoked', grant: id }]);
      await program.ended;
      expect(await bench.good('grant', 'list', '--state', 'revoked')).toContain(id);
      expect(await over(bench.task([...REFUND, '--grant', id], RUN))).toBe(1);
    },
    60_000,
  );

  asRoot(
    'I7: is taken back, and what runs under it ended, when who approved it takes that back',
    async () => {
      const { id } = await ask();
      await bench.decide('approve', id, 'alice');
      const program = bench.task([...REFUND, '--grant', id], ['/bin/sh', '-c', 'echo "ran"; exec sleep 60']);
      await program.heard('text');
      expect(await bench.takeBack(id, 'alice')).toMatchObject({ code: 0 });
      expect(await grantOf(id)).toMatchObject({ state: 'revoked', state_reason: 'alice took their approval back' });
      await program.ended;
      expect(await over(bench.task([...REFUND, '--grant', id], RUN))).toBe(1);
    },
    60_000,
  );

  asRoot(
    'C2: is taken back, and what runs under it ended, when the key that signed it is taken away',
    async () => {
      const { id } = await ask();
      await bench.decide('approve', id, 'alice');
      const program = bench.task([...REFUND, '--grant', id], ['/bin/sh', '-c', 'echo "ran"; exec sleep 60']);
      await program.heard('text');
      const [key] = (await bench.json('human', 'show', 'alice')).human.keys;
      await bench.good('human', 'key', 'remove', 'alice', key.fingerprint);
      await program.ended;
      expect(await grantOf(id)).toMatchObject({ state: 'revoked' });
    },
    60_000,
  );

  asRoot(
    'C3: for an emergency is signed by two people whose security keys knew them, and leaves a finding that somebody closes',
    async () => {
      const keys = { carol: newSshKey(SK), dave: newSshKey(SK) };
      const file = (name: string): string => join(bench.daemon.folder, name);
      const sign = (name: keyof typeof keys, text: string, namespace: string): readonly string[] => {
        const signature = armor(rawSshsig(keys[name], readFileSync(text, 'utf8'), { namespace, flags: 5 }));
        writeFileSync(`${text}.sig`, signature);
        return ['--statement', text, '--signature', `${text}.sig`];
      };
      const printOf = (name: keyof typeof keys): string => sshFingerprint(keys[name].bytes);
      for (const [at, name] of (['carol', 'dave'] as const).entries()) {
        await bench.good('human', 'add', name, '--uid', String(AGENT_UID + 200 + at), '--team', 'ops');
        writeFileSync(file(`${name}.pub`), `${keys[name].type} ${keys[name].blob}\n`);
        await bench.good('human', 'key', 'add', name, '--file', file(`${name}.pub`));
      }
      await bench.good('identity', 'renew', AGENT, '--owner', 'team:ops');
      await bench.good('human', 'key', 'vouch', 'carol', printOf('carol'), '--as', 'verified', '--first');
      const vouch = ['human', 'key', 'vouch', 'dave', printOf('dave')];
      const why = ['--as', 'verified', '--because', 'made in my presence', '--by', 'carol'];
      await bench.good(...vouch, ...why, '--statement-out', file('vouch'));
      await bench.good(...vouch, ...sign('carol', file('vouch'), 'enrolment@example.org'));
      const { id, break_glass } = await ask('--break-glass', '--for', '30m');
      expect(break_glass).toBe(true);
      for (const name of ['carol', 'dave'] as const) {
        expect(await grantOf(id)).toMatchObject({ state: 'pending' });
        await bench.good('approve', id, '--human', name, '--statement-out', file(name));
        await bench.good('approve', id, ...sign(name, file(name), 'approval@example.org'));
      }
      expect(await grantOf(id)).toMatchObject({ state: 'active', state_reason: 'approved by carol, dave' });
      const open = async () => (await bench.json('finding', 'list', '--open', '--detector', 'break-glass')).findings;
      const [finding] = await open();
      expect(finding).toMatchObject({ identity: AGENT, evidence: { grant: id, purpose: 'support shift' } });
      const { metrics } = await bench.json('report');
      expect(metrics).toContainEqual(
        expect.objectContaining({ id: 'findings-break-glass', value: 1, verdict: 'missed' }),
      );
      const program = bench.task([...REFUND, '--grant', id], RUN);
      expect(await over(program)).toBe(0);
      await bench.good('finding', 'close', String(finding.id), '--resolution', 'the outage of tonight');
      expect(await open()).toEqual([]);
      const { out } = await assayHere(['audit', 'verify', '--config', bench.daemon.configFile]);
      expect(out).toContain('all is as it was written');
    },
    60_000,
  );
});
