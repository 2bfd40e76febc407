// SPDX-License-Identifier: Apache-2.0
/**
 * An identity from draft to tombstone, with its owner leaving in between, on a daemon that is killed at each turn: what is written stays so,
 * and whoever goes on goes on under the same SPIFFE IDs.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { assayHere as assay, type CliResult } from '../support/cli.ts';
import { Daemon } from '../support/daemon.ts';
import { WorkloadClient } from '../support/workload-client.ts';

const ID = 'spiffe://example.org/shop';
const SELECTOR = `unix:uid:${process.getuid?.() ?? 0}`;
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

async function killed(): Promise<void> {
  client.close();
  await daemon.kill();
  await daemon.start();
  client = new WorkloadClient(daemon.workloadSocket);
}

const entry = (spiffeId: string, id: string): Promise<unknown> =>
  json('entry', 'create', '--spiffe-id', spiffeId, '--selector', SELECTOR, '--entry-id', id);

const named = (identities: readonly { readonly spiffe_id: string }[]): string[] =>
  identities.map(({ spiffe_id }) => spiffe_id.slice(ID.length)).sort();

/** Below `ID`, in this state. */
const inState = async (state: string): Promise<string[]> =>
  named((await json('identity', 'list', '--state', state)).identities);

async function served(): Promise<string[]> {
  const stream = client.fetchX509Svid();
  const { svids } = await stream.at(1);
  stream.cancel();
  return named(svids);
}

it('I3 I7: one identity from draft to tombstone, and all that its owner leaves behind', async () => {
  // 1. Two people, and a draft of hers with him as deputy. It has an entry, and gives nothing.
  await json('human', 'add', 'alice', '--team', 'web');
  await json('human', 'add', 'bob', '--team', 'ops');
  const hers = ['--owner', 'human:alice', '--deputy', 'human:bob'];
  await json('identity', 'create', ID, ...hers, '--draft');
  await entry(ID, 'first');
  await killed();
  expect((await client.fetchX509Svid().status).details).toContain('the identity is not active yet');
  // 2. It begins. Its entry is deleted and comes again under another name: no entry, no stream.
  await json('identity', 'activate', ID);
  expect(await served()).toEqual(['']);
  const stream = client.fetchX509Svid();
  await stream.at(1);
  await json('entry', 'delete', 'first');
  expect((await stream.status).code).toBe(7);
  await killed();
  expect((await client.fetchX509Svid().status).code).toBe(7);
  expect((await json('identity', 'show', ID)).identity.state).toBe('active');
  await entry(ID, 'second');
  await killed();
  expect(await served()).toEqual(['']);
  // 3. More of hers: one of her team, one that nobody would take over, a draft, and one that is held for a reason.
  for (const path of ['batch', 'held']) await json('identity', 'create', `${ID}/${path}`, ...hers);
  await json('identity', 'create', `${ID}/next`, ...hers, '--draft');
  await json('identity', 'create', `${ID}/team`, '--owner', 'team:web', '--deputy', 'team:ops');
  await json('identity', 'create', `${ID}/alone`, '--owner', 'human:alice');
  await json('identity', 'create', `${ID}/his`, '--owner', 'human:bob', '--deputy', 'human:alice');
  for (const path of ['batch', 'team', 'next']) await entry(`${ID}/${path}`, path);
  await json('identity', 'suspend', `${ID}/held`, '--reason', 'incident');
  expect(await served()).toEqual(['', '/batch', '/team']);
  // 4. She leaves: each that was active is suspended and listed, what was given is taken back, and it is so after a crash.
  const held = client.fetchX509Svid();
  await held.at(1);
  const left = await json('human', 'deactivate', 'alice', '--reason', 'left the company');
  expect((await held.status).code).toBe(7);
  await killed();
  const gone = ['', '/alone', '/batch', '/team'];
  expect([named(left.suspended), left.suspended_count]).toEqual([gone, 4]);
  expect(await inState('suspended')).toEqual([...gone, '/held'].sort());
  expect([await inState('active'), await inState('draft')]).toEqual([['/his'], ['/next']]);
  expect((await json('svid', 'list', '--active')).svids).toEqual([]);
  expect((await client.fetchX509Svid().status).code).toBe(7);
  // 5. The deputy goes on with each under its name and with its entries.
  for (const [path, owner] of [
    ['', 'human:bob'],
    ['/batch', 'human:bob'],
    ['/team', 'team:ops'],
  ] as const) {
    const { identity, owner_who_left } = await json('identity', 'renew', `${ID}${path}`);
    expect(identity).toMatchObject({ state: 'active', owner, deputy: null });
    expect(owner_who_left).toBe(path === '/team' ? 'team:web' : 'human:alice');
  }
  expect(await served()).toEqual(['', '/batch', '/team']);
  expect((await json('entry', 'list')).entries.map(({ id }: { id: string }) => id).sort()).toEqual([
    'batch',
    'next',
    'second',
    'team',
  ]);
  // 6. A draft begins as his; what is held stays held; one without a deputy waits until somebody is named.
  expect((await json('identity', 'activate', `${ID}/next`)).identity).toMatchObject({ owner: 'human:bob' });
  expect((await json('identity', 'renew', `${ID}/held`)).identity).toMatchObject({
    state: 'suspended',
    state_reason: 'incident',
    owner: 'human:bob',
  });
  expect(await run('identity', 'renew', `${ID}/alone`)).toMatchObject({
    code: 1,
    err: expect.stringContaining(`assay identity renew ${ID}/alone --owner`),
  });
  const alone = await json('identity', 'renew', `${ID}/alone`, '--owner', 'human:bob', '--expires', '5d');
  expect(alone).toMatchObject({ identity: { state: 'active', owner: 'human:bob' }, owner_who_left: null });
  expect((await json('identity', 'list', '--owner', 'human:alice')).identities).toEqual([]);
  // 7. Each start says once what ends soon.
  const said = (): number => daemon.output.split('an identity ends within 7d').length - 1;
  for (let starts = 1; starts <= 2; starts += 1) {
    await killed();
    expect(said()).toBe(starts);
    expect((await run('health')).out).toContain('1 end or are to be reviewed within 30d, 1 within 7d, 0 within 24h');
  }
  // 8. A tombstone: its entry is gone, and its name is nobody's, after a crash as before.
  await json('identity', 'retire', ID, '--reason', 'switched off');
  for (let crashes = 0; crashes < 2; crashes += 1) {
    expect(await served()).toEqual(['/batch', '/next', '/team']);
    for (const refused of [
      ['identity', 'create', ID],
      ['identity', 'renew', ID, '--owner', 'human:bob'],
      ['identity', 'resume', ID],
      ['entry', 'create', '--spiffe-id', ID, '--selector', SELECTOR],
    ])
      expect(await run(...refused)).toMatchObject({ code: 1 });
    await killed();
  }
  // 9. The log has each step, and is as it was written.
  const { events } = await json('audit', 'query', '--identity', ID, '--kind', 'identity.');
  expect(events.map(({ kind }: { kind: string }) => kind.slice('identity.'.length))).toEqual([
    'create',
    'activate',
    'suspend',
    'activate',
    'retire',
  ]);
  expect((await assay(['audit', 'verify', '--config', daemon.configFile])).out).toContain('all is as it was written');
});
