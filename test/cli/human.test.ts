// SPDX-License-Identifier: Apache-2.0
/** `assay human` against a real daemon: who answers for an identity leaves, and the deputy goes on. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { tempDir } from '../support/temp-dir.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const ID = 'spiffe://example.org/web';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB alice';
const keyFile = join(tempDir('human'), 'id.pub');
const uid = process.getuid?.() ?? 0;
let daemon: Daemon;
let client: WorkloadClient;
beforeAll(async () => {
  writeFileSync(keyFile, `${KEY}\n`);
  daemon = await Daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
});
afterAll(async () => {
  client?.close();
  await daemon?.close();
});

const run = (...args: string[]): Promise<CliResult> => assay([...args, '--admin-socket', daemon.adminSocket]);

// biome-ignore lint/suspicious/noExplicitAny: tests read the members they speak of
async function json(...args: string[]): Promise<any> {
  const { code, out, err } = await run(...args, '-o', 'json');
  expect({ args, code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out);
}

it('the owner leaves: streams end within a second, the deputy renews, and the same SPIFFE ID is served again', async () => {
  // 1. Two people, and an identity of one of them with the other as deputy.
  await json('human', 'add', 'alice', '--uid', '70001', '--team', 'web', '--email', 'alice@example.org');
  await json('human', 'add', 'bob', '--team', 'ops');
  const { human } = await json('human', 'key', 'add', 'alice', '--file', keyFile);
  expect(human).toMatchObject({ uids: [70001], teams: ['web'], keys: [{ type: 'ssh-ed25519' }] });
  await json('identity', 'create', ID, '--owner', 'human:alice', '--deputy', 'human:bob');
  await json('entry', 'create', '--spiffe-id', ID, '--selector', `unix:uid:${uid}`);
  const stream = client.fetchX509Svid();
  expect((await stream.at(1)).svids[0]?.spiffe_id).toBe(ID);
  // 2. She leaves: what was hers is listed, and its streams end.
  const leaving = performance.now();
  const left = await json('human', 'deactivate', 'alice', '--reason', 'left the company');
  expect((await stream.status).code).toBe(7);
  expect(performance.now() - leaving).toBeLessThan(1_500);
  expect(left.suspended.map((one: { spiffe_id: string }) => one.spiffe_id)).toEqual([ID]);
  expect((await json('identity', 'show', ID)).identity.state_reason).toBe('owner human:alice left');
  expect((await json('svid', 'list', '--active')).svids).toEqual([]);
  expect((await run('human', 'key', 'add', 'alice', '--file', keyFile)).err).toContain('has left');
  // 3. Nobody can be given anything in her name, and the deputy goes on under the same SPIFFE ID.
  const named = await run('identity', 'create', `${ID}2`, '--owner', 'human:alice');
  expect(named).toMatchObject({ code: 1, err: expect.stringContaining('no active human') });
  const renewed = await json('identity', 'renew', ID);
  expect(renewed.identity).toMatchObject({ state: 'active', owner: 'human:bob', deputy: null });
  expect(renewed.owner_who_left).toBe('human:alice');
  expect((await client.fetchX509Svid().at(1)).svids[0]?.spiffe_id).toBe(ID);
  // 4. People are read as text, too, and the log has it all.
  expect((await run('human', 'list')).out).toMatch(/alice.*\n.*bob/s);
  const { events } = await json('audit', 'query', '--kind', 'human.');
  expect(events.map(({ kind }: { kind: string }) => kind)).toEqual([
    'human.add',
    'human.add',
    'human.key_add',
    'human.leave',
  ]);
  expect((await assay(['audit', 'verify', '--config', daemon.configFile])).out).toContain('all is as it was written');
});

it('somebody is changed, their team is left without anybody, and each command says what to do next', async () => {
  const spiffeId = `${ID}/of-team`;
  const entry = ['entry', 'create', '--spiffe-id', spiffeId, '--selector', 'unix:uid:70009', '--kind', 'legacy'];
  await json('human', 'add', 'carol', '--team', 'data', '--uid', '70002');
  const made = await json(...entry, '--owner', 'team:data', '--deputy', 'human:carol', '--review-by', '5d');
  expect(made.identity).toMatchObject({ owner: 'team:data', deputy: 'human:carol', kind: 'legacy' });
  expect(made.entry).toMatchObject({ effective_x509_ttl_seconds: 600, effective_x509_ttl_from: 'legacy' });
  expect((await run('identity', 'show', spiffeId)).out).toContain('10m (capped: lifecycle.legacy_max_ttl)');
  // What comes soon is listed, and health says so.
  expect((await run('identity', 'list', '--expiring')).out).toMatch(/of-team .* in 36\d.* in (5d|4d23h)/);
  expect((await run('health')).out).toMatch(
    /identities: 1 end or are to be reviewed within 30d, 1 within 7d, 0 within 24h/,
  );
  // She leaves her team.
  expect((await run('human', 'update', 'carol')).err).toContain('nothing to change is named');
  const left = await run('human', 'update', 'carol', '--team', 'web', '--team', 'ops', '--email', 'c@example.org');
  expect(left).toMatchObject({ code: 0, err: expect.stringContaining('1 identities were theirs') });
  expect(left.out).toMatch(
    /email +c@example.org.*team +ops\nteam +web.*of-team +team:data +human:carol +assay identity renew/s,
  );
  const renewed = await run('identity', 'renew', spiffeId);
  expect(renewed.err).toContain('team:data has left: the deputy, human:carol, is the owner now');
  expect((await json('identity', 'renew', spiffeId, '--owner', 'human:bob')).identity.owner).toBe('human:bob');
  const gone = await run('identity', 'renew', spiffeId, '--owner', 'human:alice');
  expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('--owner "human:alice" is refused') });
  const { human, suspended_count } = await json('human', 'update', 'carol', '--team', '', '--uid', '');
  expect([human.teams, human.uids, human.email, suspended_count]).toEqual([[], [], 'c@example.org', 0]);
});
