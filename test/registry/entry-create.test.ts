// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import type { Change } from '../../src/store/records.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { callerWith, OPERATOR, openRoom } from './rooms.ts';

const A = { spiffeId: 'spiffe://td/a', selectors: ['unix:uid:1000'] };

it('what was created is granted as soon as the promise resolves, and its changes were told', async () => {
  const { registry, clock } = await openRoom();
  const told: Change[] = [];
  registry.onChange((changes) => told.push(...changes));
  const { entry, identity, warnings } = await registry.createEntry(A, { uid: 1001, pid: 7 });
  expect(warnings).toEqual([]);
  expect(registry.match(callerWith('unix:uid:1000'), clock.now()).grants).toEqual([
    {
      ...{ entry, identity, hint: '', federatesWith: [], endsAt: identity.expiresAt, claimedOnly: false },
      ...{ subject: entry.spiffeId, lease: undefined },
    },
  ]);
  expect(told.map((change) => [change.seq, change.kind, change.key])).toEqual([
    [1, 'identity', 'spiffe://td/a'],
    [2, 'entry', entry.id],
  ]);
  expect(registry.lastChangeSeq).toBe(2);
  expect([entry.createdBy, identity.owner, identity.createdBy]).toEqual(['uid:1001', 'uid:1001', 'uid:1001']);
  expect([registry.entry(entry.id), registry.identity('spiffe://td/a')]).toEqual([entry, identity]);
  expect(registry.entriesOf('spiffe://td/a')).toEqual([entry]);
});

it('the same SPIFFE ID, parent and selectors again is refused, naming the entry', async () => {
  const { registry } = await openRoom();
  const { entry } = await registry.createEntry({ ...A, selectors: ['unix:uid:1', 'unix:gid:1'] }, OPERATOR);
  const again = { ...A, selectors: ['unix:gid:1', 'unix:uid:1', 'unix:gid:1'], hint: 'other' };
  const refused = await refusalOfAsync(() => registry.createEntry(again, OPERATOR));
  expect([refused.kind, refused.reason, refused.value]).toEqual(['already-exists', 'ENTRY_EXISTS', entry.id]);
  expect(refused.hint).toContain(`assay entry update ${entry.id}`);
  await registry.createEntry({ ...again, selectors: ['unix:uid:1'] }, OPERATOR);
});

it('two at once for a new SPIFFE ID: one makes the identity, the other is measured against it', async () => {
  const { registry } = await openRoom();
  const outcomes = await Promise.allSettled([
    registry.createEntry({ ...A, identity: { owner: 'ann' } }, OPERATOR),
    registry.createEntry({ ...A, selectors: ['unix:uid:1'], identity: { owner: 'bob' } }, OPERATOR),
    registry.createEntry({ ...A, selectors: ['unix:uid:2'] }, OPERATOR),
    registry.createEntry({ ...A, selectors: ['unix:uid:3'], identity: { owner: 'ann' } }, OPERATOR),
  ]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({ reason: 'IDENTITY_DIFFERS', field: 'owner' });
  expect(registry.identity('spiffe://td/a')?.owner).toBe('ann');
  expect(registry.entriesOf('spiffe://td/a')).toHaveLength(3);
  expect(registry.lastChangeSeq).toBe(4);
});

it('a hint that another identity has is warned of, one of the same identity is not', async () => {
  const { registry } = await openRoom();
  const { entry } = await registry.createEntry({ ...A, hint: 'h' }, OPERATOR);
  const same = await registry.createEntry({ ...A, selectors: ['unix:uid:1'], hint: 'h' }, OPERATOR);
  const other = await registry.createEntry(
    { spiffeId: 'spiffe://td/b', selectors: ['unix:uid:2'], hint: 'h' },
    OPERATOR,
  );
  const none = await registry.createEntry({ spiffeId: 'spiffe://td/c', selectors: ['unix:uid:2'] }, OPERATOR);
  expect([same.warnings, none.warnings]).toEqual([[], []]);
  expect(other.warnings).toEqual([
    expect.stringContaining(`the hint "h" is also on entry ${entry.id} of spiffe://td/a`),
  ]);
});

it('I9: there are at most as many entries as the limit says, also when many come at once', async () => {
  const { registry } = await openRoom({ entries: 3 });
  const create = (uid: number) => registry.createEntry({ ...A, selectors: [`unix:uid:${uid}`] }, OPERATOR);
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(create));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(3);
  const refused = await refusalOfAsync(() => create(9));
  expect([refused.kind, refused.reason, refused.field]).toEqual([
    'resource-exhausted',
    'LIMIT_REACHED',
    'limits.entries',
  ]);
  const [first] = registry.entriesOf('spiffe://td/a');
  await registry.deleteEntry(first?.id as string, OPERATOR);
  await create(9);
});

it('I9: there are at most as many identities as the limit says, with or without entries, retired or not', async () => {
  const { registry } = await openRoom({ identities: 3 });
  const entry = (at: number) =>
    registry.createEntry({ spiffeId: `spiffe://td/${at}`, selectors: [`unix:uid:${at}`] }, OPERATOR);
  const lone = (at: number) => registry.life.create({ spiffeId: `spiffe://td/${at}` }, OPERATOR);
  const outcomes = await Promise.allSettled([entry(1), lone(2), entry(3), lone(4), entry(5)]);
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(3);
  await registry.life.retire('spiffe://td/1', 'gone', OPERATOR);
  for (const create of [entry, lone]) {
    const refused = await refusalOfAsync(() => create(9));
    expect([refused.reason, refused.field, refused.value]).toEqual(['LIMIT_REACHED', 'limits.identities', '3']);
  }
  await registry.createEntry({ spiffeId: 'spiffe://td/3', selectors: ['unix:uid:7'] }, OPERATOR);
});

it('I9: a caller gets at most as many identities as the limit says, the oldest', async () => {
  const { registry, clock } = await openRoom({ grantsPerCaller: 2 });
  for (const name of ['c', 'a', 'b']) {
    await registry.createEntry({ spiffeId: `spiffe://td/${name}`, selectors: ['unix:uid:1000'] }, OPERATOR);
    await clock.advance(1);
  }
  const { grants, refused } = registry.match(callerWith('unix:uid:1000'), clock.now());
  expect(grants.map((grant) => grant.entry.spiffeId)).toEqual(['spiffe://td/c', 'spiffe://td/a']);
  expect(refused).toEqual([expect.objectContaining({ spiffeId: 'spiffe://td/b', reason: 'TOO_MANY' })]);
});

it('WAPI-18: a new entry is the youngest though the clock went back', async () => {
  const { registry, clock } = await openRoom();
  await registry.createEntry({ ...A, spiffeId: 'spiffe://td/first' }, OPERATOR);
  clock.jump(-3_600_000);
  await registry.createEntry({ ...A, entryId: '0' }, OPERATOR);
  await registry.createEntry({ ...A, spiffeId: 'spiffe://td/third', entryId: '-' }, OPERATOR);
  const { grants } = registry.match(callerWith('unix:uid:1000'), clock.now());
  expect(grants.map((grant) => grant.entry.spiffeId.slice(12))).toEqual(['first', 'a', 'third']);
});

it('deleting the last entry leaves the identity, and creating it again works', async () => {
  const { registry, clock } = await openRoom();
  const { entry, identity } = await registry.createEntry({ ...A, identity: { owner: 'ann' } }, OPERATOR);
  await registry.deleteEntry(entry.id, OPERATOR);
  expect(registry.identity('spiffe://td/a')).toEqual(identity);
  expect(registry.match(callerWith('unix:uid:1000'), clock.now()).grants).toEqual([]);
  expect(await refusalOfAsync(() => registry.deleteEntry(entry.id, OPERATOR))).toMatchObject({
    kind: 'not-found',
    reason: 'ENTRY_NOT_FOUND',
  });
  await registry.createEntry(A, OPERATOR);
  expect(registry.match(callerWith('unix:uid:1000'), clock.now()).grants).toHaveLength(1);
});

it('entries of another parent match nobody here', async () => {
  const { registry, clock } = await openRoom();
  await registry.createEntry({ ...A, parentId: 'spiffe://td/spire/server' }, OPERATOR);
  expect(registry.match(callerWith('unix:uid:1000'), clock.now())).toMatchObject({ grants: [], refused: [] });
  expect(registry.entriesOf('spiffe://td/a')).toHaveLength(1);
});

it('counts all entries, and those that a filter passes', async () => {
  const { registry } = await openRoom();
  for (let uid = 0; uid < 30; uid += 1)
    await registry.createEntry({ ...A, selectors: [`unix:uid:${uid}`, 'unix:gid:1'] }, OPERATOR);
  expect(await registry.countEntries()).toBe(30);
  expect(await registry.countEntries({ selectors: ['unix:gid:1'] })).toBe(30);
  expect(await registry.countEntries({ selectors: ['unix:uid:7'] })).toBe(1);
  expect(registry.entries({ selectors: ['unix:uid:7'] }, { limit: 10 }).rows).toHaveLength(1);
  expect(registry.identities({}, { limit: 10 }).rows).toHaveLength(1);
});
