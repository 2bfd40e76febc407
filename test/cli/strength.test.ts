// SPDX-License-Identifier: Apache-2.0
/**
 * What a signature counts for, through a real daemon: a key that claims to be touched, one that somebody vouched for, and what cannot be
 * taken back. The security key is in software; ssh-keygen signs with hardware alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { AGENT, AGENT_UID, AgentBench } from '../support/agent-bench.ts';
import { assayHere, type CliResult } from '../support/cli.ts';
import { asRoot } from '../support/peers.ts';
import { newSshKey, rawSshsig } from '../support/sshsig.ts';

const TOUCHED = 1;
const VERIFIED = 5;
const key = newSshKey('sk-ssh-ed25519@openssh.com');
let bench: AgentBench;
let files = 0;

beforeAll(async () => {
  bench = await AgentBench.start();
  const line = join(bench.daemon.folder, 'sk.pub');
  writeFileSync(line, `${key.type} ${key.blob} alice\n`);
  // Under the agent's uid: what software could sign there counts for nothing.
  await bench.good('human', 'add', 'alice', '--uid', String(AGENT_UID));
  await bench.good('human', 'key', 'add', 'alice', '--file', line);
  await bench.good('identity', 'renew', AGENT, '--owner', 'human:alice');
}, 60_000);
afterAll(() => bench?.close());

async function waiting(): Promise<{ readonly id: string; readonly program: ReturnType<AgentBench['task']> }> {
  const flags = ['--intent', 'payments:refund=order 7'];
  const program = bench.task(flags, ['/bin/sh', '-c', 'echo "ran"; exec sleep 60']);
  for (let tries = 0; tries < 200; tries += 1) {
    const [one] = (await bench.json('approvals')).approvals;
    if (one !== undefined) return { id: one.id, program };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nobody is asked');
}

/** As alice, by her security key with these flags. */
async function signed(words: readonly string[], flags: number): Promise<CliResult> {
  files += 1;
  const file = join(bench.daemon.folder, `statement-${files}`);
  await bench.good(...words, '--human', 'alice', '--statement-out', file);
  writeFileSync(`${file}.sig`, armor(rawSshsig(key, readFileSync(file, 'utf8'), { flags })));
  return bench.run(...words, '--statement', file, '--signature', `${file}.sig`);
}

const put = (...more: string[]): Promise<string> => {
  const words = ['--env', 'prod', '--impact', 'high', '--intent', 'refund'];
  return bench.good('target', 'put', 'payments', ...words, ...more);
};
const vouch = (as: string): Promise<string> =>
  bench.good('human', 'key', 'vouch', 'alice', sshFingerprint(key.bytes), '--as', as, '--first');

asRoot(
  'C3: a key counts for a touch where somebody vouched for it, and for what cannot be taken back where it knew who',
  async () => {
    const first = await waiting();
    const claimed = await signed(['approve', first.id], VERIFIED);
    expect([claimed.code, claimed.err]).toEqual([1, expect.stringContaining('policy does not let them decide')]);
    await vouch('verified');
    expect((await signed(['approve', first.id], 0)).err).toContain('policy does not let them decide');
    expect(await signed(['approve', first.id], TOUCHED)).toMatchObject({ code: 0 });
    await first.program.heard('text');
    const [{ strength, proof }] = (await bench.json('approvals', 'show', first.id)).approval.votes;
    expect([strength, proof]).toEqual([2, 'stated']);

    // Taking back needs no strength.
    expect(await signed(['approvals', 'withdraw', first.id], 0)).toMatchObject({ code: 0 });
    await first.program.ended;

    await put('--irrevocable', 'refund');
    const second = await waiting();
    expect(await bench.good('approvals', 'show', second.id)).toContain(second.id);
    expect((await signed(['approve', second.id], TOUCHED)).err).toContain('a strength of 3 is needed');
    expect(await signed(['approve', second.id], VERIFIED)).toMatchObject({ code: 0 });
    await second.program.heard('text');
    const file = join(bench.daemon.folder, 'evidence.json');
    await bench.good('evidence', first.id, '--out', file);
    const one = await assayHere(['evidence', 'verify', file]);
    expect([one.code, one.out]).toEqual([0, expect.stringContaining('strength 2 (touched), unattested')]);
    expect(one.out).toContain('withdraw by alice');
    await bench.good('evidence', second.id, '--out', `${file}.2`);
    const two = await assayHere(['evidence', 'verify', `${file}.2`]);
    expect([two.code, two.out]).toEqual([0, expect.stringContaining('strength 3 (touched, and knew who), unattested')]);
  },
  60_000,
);
