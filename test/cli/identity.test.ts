// SPDX-License-Identifier: Apache-2.0
/** `assay identity` against a real daemon, as numbered steps: from draft to tombstone. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const ID = 'spiffe://example.org/web';
const uid = process.getuid?.() ?? 0;
let daemon: Daemon;
let client: WorkloadClient;
beforeAll(async () => {
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

const entry = (id: string): Promise<unknown> =>
  json('entry', 'create', '--spiffe-id', ID, '--selector', `unix:uid:${uid}`, '--entry-id', id);

/** The reason with which a stream that is opened now ends. */
async function refusal(): Promise<string | undefined> {
  const { details } = await client.fetchX509Svid().status;
  return details;
}

it('from draft to tombstone: entries come and go, streams follow within a second, and the name is never given again', async () => {
  // 1. A draft, with who answers for it.
  const made = await json(
    ...['identity', 'create', ID, '--owner', 'alice', '--deputy', 'bob', '--purpose', 'serves pages'],
    ...['--env', 'prod', '--label', 'team=web', '--expires', '90d', '--review-by', '30d', '--draft'],
  );
  expect(made.identity).toMatchObject({
    state: 'draft',
    owner: 'alice',
    deputy: 'bob',
    environment: 'prod',
    labels: { team: 'web' },
  });
  // 2. An entry gives nothing of it yet.
  await entry('first');
  expect(await refusal()).toContain('the identity is not active yet');
  // 3. It begins, and a stream is served.
  expect((await json('identity', 'activate', ID)).identity.state).toBe('active');
  const stream = client.fetchX509Svid();
  expect((await stream.at(1)).svids[0]?.spiffe_id).toBe(ID);
  // 4. Its only entry goes: the stream ends, the identity stays.
  const deleted = performance.now();
  await json('entry', 'delete', 'first');
  expect((await stream.status).code).toBe(7);
  expect(performance.now() - deleted).toBeLessThan(1_000);
  expect((await json('identity', 'show', ID)).identity.state).toBe('active');
  // 5. Another entry, and it is served again.
  await entry('second');
  const again = client.fetchX509Svid();
  const { svids } = await again.at(1);
  expect(svids[0]?.spiffe_id).toBe(ID);
  // 6. Somebody else answers for it from now on.
  const changed = await json('identity', 'update', ID, '--owner', 'bob', '--deputy', '', '--label', '');
  expect(changed.identity).toMatchObject({ owner: 'bob', deputy: null, labels: {}, purpose: 'serves pages' });
  // 7. Suspended: the stream ends, and what was given is taken back.
  const suspended = performance.now();
  await json('identity', 'suspend', ID, '--reason', 'incident');
  expect((await again.status).code).toBe(7);
  expect(performance.now() - suspended).toBeLessThan(1_000);
  expect((await json('svid', 'list', '--active')).svids).toEqual([]);
  // 8. Resumed, renewed.
  await json('identity', 'resume', ID);
  const renewed = await json('identity', 'renew', ID, '--expires', '180d');
  expect(Date.parse(renewed.identity.expires_at) - Date.now()).toBeGreaterThan(179 * 86_400_000);
  const far = await run('identity', 'renew', ID, '--expires', '400d');
  expect(far).toMatchObject({ code: 1, err: expect.stringContaining('--expires') });
  // 9. Retired: its entries go, and nothing brings it back.
  const last = client.fetchX509Svid();
  await last.at(1);
  const retired = await json('identity', 'retire', ID, '--reason', 'switched off');
  expect(retired.identity).toMatchObject({ state: 'retired', state_reason: 'switched off' });
  expect((await last.status).code).toBe(7);
  expect((await json('entry', 'list')).entries).toEqual([]);
  for (const args of [
    ['identity', 'resume', ID],
    ['identity', 'renew', ID],
    ['identity', 'create', ID],
    ['entry', 'create', '--spiffe-id', ID, '--selector', 'unix:uid:1'],
  ])
    expect((await run(...args)).code).toBe(1);
  // 10. All of it is in the log, in order, and verifies.
  const { events } = await json('audit', 'query', '--identity', ID, '--kind', 'identity.');
  expect(events.map(({ kind }: { kind: string }) => kind)).toEqual([
    'identity.create',
    'identity.activate',
    'identity.update',
    'identity.suspend',
    'identity.activate',
    'identity.update',
    'identity.retire',
  ]);
  expect((await assay(['audit', 'verify', '--config', daemon.configFile])).out).toContain('all is as it was written');
});

it('says what is wrong with what was asked', async () => {
  expect(await run('identity', 'update', ID)).toMatchObject({
    code: 2,
    err: expect.stringContaining('nothing to change'),
  });
  expect(await run('identity', 'retire', ID)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') });
  const kind = await run('identity', 'create', `${ID}2`, '--kind', 'robot');
  expect(kind).toMatchObject({ code: 1, err: expect.stringContaining('--kind') });
  const review = await run('identity', 'create', `${ID}2`, '--review-by', 'soon');
  expect(review).toMatchObject({ code: 2, err: expect.stringContaining('--review-by') });
});
