// SPDX-License-Identifier: Apache-2.0
/** The path within a task: what its members are given, how it is named, and how it ends. */
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { X509State } from '../../src/issuance/workload-identities.ts';
import { OPERATOR, TestFollower, TestProcess } from '../support/lone.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { AGENT, taskWorld } from '../support/task-world.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('issuance-task');
let count = 0;
let w: Awaited<ReturnType<typeof taskWorld>>;
beforeEach(async () => {
  count += 1;
  w = await taskWorld(`${top}/${count}`);
  await w.entry('agent', 'agent');
});
afterEach(() => w.close());

async function begun(leader = new TestProcess()) {
  const { id, held } = await w.run(leader);
  const scope = w.scopes.get(id)!;
  return { id, held, leader, identities: w.standings.within(scope) };
}

const leafOf = (state: X509State): X509Certificate => new X509Certificate(state.svids[0]!.chain);

async function token(identities: ReturnType<typeof w.standings.within>, process: TestProcess): Promise<string> {
  const caller = identities.jwt!.caller(process);
  let text = '';
  await caller.fetch({ audiences: ['crm'], spiffeId: '' }, AbortSignal.timeout(5_000), (svids) => {
    text = svids[0]!.token;
  });
  return text;
}

it('gives an X509-SVID that names the task, lives minutes, and stands in its row', async () => {
  const { id, leader, identities } = await begun();
  const follower = new TestFollower();
  identities.followX509(leader, follower);
  await follower.until(1);
  const leaf = leafOf(follower.states[0]!);
  expect(follower.states[0]!.svids.map(({ spiffeId }) => spiffeId)).toEqual([`${AGENT}/task/${id}`]);
  expect(leaf.subjectAltName).toBe(`URI:${AGENT}/task/${id}`);
  expect(Date.parse(leaf.validTo) - w.clock.now()).toBeLessThanOrEqual(900_000);
  const [row] = w.ledger.list({}, { limit: 9 }).rows;
  expect(row).toMatchObject({ task: id, spiffeId: AGENT, serial: leaf.serialNumber.toLowerCase().replace(/^0+/, '') });
});

it('gives two tasks of one entry names of their own, one after the other', async () => {
  const first = await begun();
  const second = await begun(new TestProcess(101));
  for (const one of [first, second, first]) {
    const follower = new TestFollower();
    one.identities.followX509(one.leader, follower);
    await follower.until(1);
    expect(leafOf(follower.states[0]!).subjectAltName).toBe(`URI:${AGENT}/task/${one.id}`);
  }
});

it('gives tokens that say the task, its intents and on what, in registered claims, and name themselves', async () => {
  const { id, leader, identities } = await begun();
  const claims = decodeJwt(await token(identities, leader));
  expect(claims).toMatchObject({
    sub: `${AGENT}/task/${id}`,
    aud: 'crm',
    txn: id,
    scope: 'crm:read payments:refund',
    authorization_details: [
      { type: 'assay_intent', locations: ['crm'], actions: ['read'] },
      { type: 'assay_intent', locations: ['payments'], actions: ['refund'], identifier: 'order 7' },
    ],
  });
  expect(claims.exp! - claims.iat!).toBeLessThanOrEqual(300);
  expect(claims.jti).toMatch(/^[0-9a-f]{32}$/);
});

it('A12: gives nothing to who is no member, however well it matches', async () => {
  const { identities } = await begun();
  const stranger = new TestProcess(101);
  const follower = new TestFollower();
  identities.followX509(stranger, follower);
  await follower.until(1);
  expect([follower.states, follower.failure?.kind, follower.failure?.reason]).toEqual([
    [],
    'permission-denied',
    'NOT_IN_TASK',
  ]);
});

it('I1: gives members nothing where the entry does not hold for them, and no other identity of theirs', async () => {
  await w.entry('beside', 'service');
  const { id, leader, identities } = await begun();
  const other = new TestProcess(101, 2000);
  w.parents.set(other, leader);
  await w.entry('two', 'service', 2000);
  const refused = new TestFollower();
  identities.followX509(other, refused);
  await refused.until(1);
  expect(refused.failure?.kind).toBe('permission-denied');
  const follower = new TestFollower();
  identities.followX509(leader, follower);
  await follower.until(1);
  expect(follower.states[0]!.svids.map(({ spiffeId }) => spiffeId)).toEqual([`${AGENT}/task/${id}`]);
});

it('I7: after its end its socket gives nothing, not even what its members have outside of it', async () => {
  await w.entry('plain', 'service', 2000);
  const { id, leader, identities } = await begun(new TestProcess(101, 2000));
  await w.tasks.revoke(id, 'odd', 'uid:0');
  const follower = new TestFollower();
  identities.followX509(leader, follower);
  await follower.until(1);
  expect([follower.states, follower.failure?.reason]).toEqual([[], 'TASK_OVER']);
});

it('C1: outside of a task an agent has nothing', async () => {
  const { leader } = await begun();
  const follower = new TestFollower();
  w.standings.followX509(leader, follower);
  await follower.until(1);
  expect(follower.failure?.reason).toBe('TASK_REQUIRED');
});

it.each(['its stream', 'an operator', 'its identity', 'its process', 'time'])(
  'I7: its end by %s ends its streams with PERMISSION_DENIED and takes back what it was given',
  async (by) => {
    const { id, held, leader, identities } = await begun();
    const child = new TestProcess(101);
    w.parents.set(child, leader);
    const follower = new TestFollower();
    identities.followX509(child, follower);
    await follower.until(1);
    const serial = leafOf(follower.states[0]!).serialNumber.toLowerCase().replace(/^0+/, '');
    await token(identities, child);
    if (by === 'its stream') held.closed();
    if (by === 'an operator') await w.tasks.revoke(id, 'odd', 'uid:0');
    if (by === 'its identity') await w.registry.suspendIdentity(AGENT, 'odd', OPERATOR);
    if (by === 'its process') leader.end('exited');
    if (by === 'time') await w.clock.advance(1_201_000);
    expect(await w.settled(() => follower.failure !== undefined)).toBe(true);
    expect(follower.failure?.kind).toBe('permission-denied');
    if (by === 'time') return;
    expect(await w.settled(() => w.revocations.isRevoked(serial))).toBe(true);
    expect(w.store.revocations.unexpired(w.clock.now())).toHaveLength(2);
    expect((await refusalOfAsync(() => token(identities, child))).kind).toBe('permission-denied');
  },
);

it('I5: no SVID outlives the task, and it is not renewed past its end', async () => {
  const { id, leader, identities } = await begun();
  const follower = new TestFollower();
  identities.followX509(leader, follower);
  await follower.until(1);
  const { deadline } = w.store.tasks.get(id)!;
  for (let minute = 0; minute < 25; minute += 1) {
    await w.clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await w.settled(() => follower.failure !== undefined)).toBe(true);
  for (const state of follower.states) expect(Date.parse(leafOf(state).validTo)).toBeLessThanOrEqual(deadline);
  expect(follower.states.length).toBeGreaterThan(1);
  const rows = w.ledger.list({}, { limit: 99 }).rows;
  expect(rows.length).toBeLessThan(12);
});
