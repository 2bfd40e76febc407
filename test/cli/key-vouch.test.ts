// SPDX-License-Identifier: Apache-2.0
/** `assay human key vouch` against a real daemon. The security keys are in software; ssh-keygen signs with hardware alone. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { armor } from '../../src/approvals/armor.ts';
import { sshFingerprint } from '../../src/lib/ssh-key.ts';
import { assayHere, type CliOptions, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { newSshKey, rawSshsig } from '../support/sshsig.ts';
import { tempDir } from '../support/temp-dir.ts';

const SK = 'sk-ssh-ed25519@openssh.com';
const dir = tempDir('key-vouch');
const keys = { alice: newSshKey(SK), bob: newSshKey(SK) } as const;
const printOf = (name: keyof typeof keys): string => sshFingerprint(keys[name].bytes);
const fileOf = (name: string): string => join(dir, name);
let daemon: Daemon;

const run = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  assayHere([...args, '--admin-socket', daemon.adminSocket], options);

beforeAll(async () => {
  daemon = await Daemon.start();
  for (const [name, key] of Object.entries(keys)) {
    writeFileSync(fileOf(`${name}.pub`), `${key.type} ${key.blob} ${name}\n`);
    await run(['human', 'add', name]);
    await run(['human', 'key', 'add', name, '--file', fileOf(`${name}.pub`)]);
  }
}, 60_000);
afterAll(() => daemon?.close());

function signAs(name: keyof typeof keys, file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(`${file}.sig`, armor(rawSshsig(keys[name], text, { namespace: 'enrolment@example.org', flags: 5 })));
}

it('C3: whose word it is, is shown with the key: root’s for the first, a signature for all others', async () => {
  const isRoot = process.getuid?.() === 0;
  const first = await run(['human', 'key', 'vouch', 'alice', printOf('alice'), '--as', 'verified', '--first']);
  if (!isRoot) {
    expect(first.err).toContain('what vouches for it has a strength of 1');
    return;
  }
  expect(first.out).toContain('counts as touched by a verified user (unattested): root vouched');
  const ask = ['human', 'key', 'vouch', 'bob', printOf('bob'), '--as', 'touched', '--because', 'made in my presence'];
  const file = fileOf('statement');
  const asked = await run([...ask, '--by', 'alice', '--statement-out', file]);
  expect(asked.err).toContain('counts for        2');
  expect(asked.err).toContain('sign it with: ssh-keygen -Y sign -f KEY -n enrolment@example.org');
  signAs('alice', file);
  const signed = ['--statement', file, '--signature', `${file}.sig`];
  const other = await run(['human', 'key', 'vouch', 'alice', printOf('alice'), ...signed]);
  expect(other.err).toContain('is not about the key that this command names');
  const done = await run(['human', 'key', 'vouch', 'bob', printOf('bob'), ...signed]);
  expect([done.code, done.out]).toEqual([0, expect.stringContaining('counts as touched (unattested): alice vouched')]);
  const { out } = await run(['human', 'show', 'bob', '-o', 'json']);
  const [key] = JSON.parse(out).human.keys;
  expect(key).toMatchObject({ counts_for: 2, vouch_statement: readFileSync(file, 'utf8') });
  const verified = await assayHere(['audit', 'verify', '--config', daemon.configFile]);
  expect(verified.out).toContain('all is as it was written');
});

it.each<[string, readonly string[]]>([
  ['--as', ['--because', 'x']],
  ['--because', ['--as', 'touched']],
  ['--first', ['--as', 'touched', '--first', '--because', 'x']],
  ['--by', ['--as', 'touched', '--because', 'x', '--by', 'alice']],
  ['--statement', ['--statement', 'x']],
  ['--signature', ['--statement', 'x', '--signature', 'y', '--as', 'touched']],
  ['--key', ['--as', 'touched', '--because', 'x', '--by', 'alice', '--statement-out', 'f', '--key', 'k']],
])('a wrong %s is refused by its name', async (flag, args) => {
  const { code, err } = await run(['human', 'key', 'vouch', 'bob', printOf('bob'), ...args]);
  expect([code, err]).toEqual([2, expect.stringContaining(`${flag}: `)]);
});
