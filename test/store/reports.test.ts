// SPDX-License-Identifier: Apache-2.0
/** The report's numbers, out of real rows. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { MetricResult } from '../../src/store/reports.ts';
import { METRICS } from '../../src/store/sqlite/report/metrics.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anAuthority, anEntry, anIdentity, anIssuance, BY, NOW } from './samples.ts';

const top = tempDir('reports');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TERMS = { now: NOW, unusedSince: NOW - 30 * DAY, keptSince: NOW - 30 * DAY };
const WHOLE = { purpose: 'serves', createdAt: NOW - 60 * DAY } as const;
let count = 0;
const open: Store[] = [];

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

async function world() {
  count += 1;
  const store = await openStore(`${top}/data-${count}`);
  open.push(store);
  await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
  const metric = (id: string, terms = TERMS): Promise<MetricResult> => store.reports.one(id, terms, 2);
  return { store, metric };
}

type World = Awaited<ReturnType<typeof world>>;

/** An identity with an entry of its own. */
async function add({ store }: World, name: string, change: object = {}): Promise<string> {
  const spiffeId = `spiffe://td/${name}`;
  await store.createEntry(anEntry({ id: name, spiffeId }), anIdentity({ ...WHOLE, spiffeId, ...change }), BY);
  return spiffeId;
}

async function issue({ store }: World, name: string, change: object = {}): Promise<void> {
  const issuance = anIssuance({ spiffeId: `spiffe://td/${name}`, entryId: name, ...change });
  await store.record({ ...issuance, decidedOn: { ...issuance.decidedOn, entryId: name } });
}

describe('the report', () => {
  it('has a verdict on each metric of an empty store, and nothing is missed', async () => {
    const { store } = await world();
    const results = await store.reports.take({ ...TERMS, now: Date.now() }, 10);
    expect(results.map(({ id }) => id)).toEqual(METRICS.map(({ id }) => id));
    expect(new Set(results.map(({ id }) => id)).size).toBe(METRICS.length);
    expect(results.filter(({ verdict }) => verdict === 'missed')).toEqual([]);
    expect(results.flatMap(({ offenders }) => offenders)).toEqual([]);
  });

  it('counts who answers for identities, and names those for whom nobody does, as many as asked', async () => {
    const w = await world();
    await add(w, 'a');
    for (const name of ['b', 'c', 'd']) await add(w, name, { purpose: null });
    await add(w, 'e', { state: 'retired', purpose: null });
    expect(await w.metric('answered-for')).toEqual({
      id: 'answered-for',
      title: expect.any(String),
      unit: 'percent',
      value: 25,
      target: 'at least 100 %',
      verdict: 'missed',
      offenders: ['spiffe://td/b', 'spiffe://td/c'],
      hasMore: true,
    });
    const all = await w.store.reports.one('answered-for', TERMS, 3);
    expect([all.offenders.length, all.hasMore]).toEqual([3, false]);
    expect((await w.store.reports.one('answered-for', TERMS, 0)).offenders).toEqual([]);
  });

  it.each([
    ['an end that is past', { expiresAt: NOW - 1 }],
    ['a review that is past', { reviewBy: NOW - 1 }],
    ['no owner', { owner: '' }],
  ])('counts %s as not answered for', async (_, change) => {
    const w = await world();
    await add(w, 'a', change);
    expect(await w.metric('answered-for')).toMatchObject({ value: 0, verdict: 'missed' });
  });

  it('names identities whose owner has left, or whose team has nobody left', async () => {
    const w = await world();
    const nora = {
      name: 'nora',
      email: null,
      uids: [],
      teams: ['web', 'data'],
      keys: [],
      active: true,
      leftReason: null,
    };
    const at = { createdAt: NOW, createdBy: BY };
    await w.store.humans.put({ ...nora, ...at, revision: 1 }, 'add', BY, NOW);
    await w.store.humans.put({ ...nora, ...at, name: 'max', teams: ['web'], revision: 1 }, 'add', BY, NOW);
    for (const owner of ['human:nora', 'team:data', 'team:web', 'human:max', 'somebody'])
      await add(w, owner.replace(':', '-'), { owner });
    expect(await w.metric('orphaned')).toMatchObject({ value: 0, verdict: 'met' });
    expect(await w.metric('owned-by-people')).toMatchObject({ value: 80 });
    // The store itself lets nobody leave so; the report looks all the same.
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(`${top}/data-${count}/assay.db`);
    db.exec("UPDATE human SET active = 0 WHERE name = 'nora'");
    db.close();
    expect(await w.metric('orphaned')).toMatchObject({
      value: 2,
      verdict: 'missed',
      offenders: ['spiffe://td/human-nora', 'spiffe://td/team-data'],
    });
    expect(await w.metric('owned-by-people')).toMatchObject({ value: 40 });
    expect(await w.metric('answered-for')).toMatchObject({ value: 60 });
  });

  it('I5: names what outlives its identity', async () => {
    const w = await world();
    await add(w, 'a', { expiresAt: NOW + HOUR });
    await issue(w, 'a', { notAfter: NOW + HOUR });
    expect(await w.metric('outlives-identity')).toMatchObject({ value: 0, verdict: 'met' });
    await issue(w, 'a', { notAfter: NOW + HOUR + 1 });
    expect(await w.metric('outlives-identity')).toMatchObject({
      value: 1,
      verdict: 'missed',
      offenders: ['spiffe://td/a'],
    });
  });

  it('I7: sees that nothing good is left of an identity that is suspended', async () => {
    const w = await world();
    await add(w, 'a');
    await issue(w, 'a');
    await w.store.updateIdentity(anIdentity({ ...WHOLE, state: 'suspended', revision: 2 }), BY);
    expect(await w.metric('inactive-holds')).toMatchObject({ value: 0, verdict: 'met' });
    expect(await w.metric('revoked')).toMatchObject({ value: 1, verdict: 'watch', target: null });
  });

  it('measures lives by kind', async () => {
    const w = await world();
    await add(w, 'a');
    for (const minutes of [1, 4, 5]) await issue(w, 'a', { kind: 'jwt', notAfter: NOW + minutes * 60_000 });
    expect(await w.metric('longest-jwt')).toMatchObject({ value: 300, target: 'at most 300 s', verdict: 'met' });
    expect(await w.metric('median-jwt')).toMatchObject({ value: 240, verdict: 'watch' });
    expect(await w.metric('longest-x509')).toMatchObject({ value: null, verdict: 'met' });
    await issue(w, 'a', { notAfter: NOW + 2 * HOUR });
    expect(await w.metric('longest-x509')).toMatchObject({
      value: 7_200,
      verdict: 'missed',
      offenders: ['spiffe://td/a'],
    });
    expect(await w.metric('bearer-share')).toMatchObject({ value: 75 });
  });

  it('names what nobody was given for long, where the issuances of that time are still there', async () => {
    const w = await world();
    await add(w, 'old');
    await add(w, 'used');
    await add(w, 'young', { createdAt: NOW - DAY });
    await issue(w, 'old', { issuedAt: NOW - 31 * DAY });
    await issue(w, 'used', { issuedAt: NOW - 29 * DAY });
    expect(await w.metric('unused')).toMatchObject({ value: 1, offenders: ['spiffe://td/old'], verdict: 'watch' });
    expect(await w.metric('unused', { ...TERMS, keptSince: NOW - DAY })).toMatchObject({ value: 0 });
  });

  it('names standing access', async () => {
    const w = await world();
    await add(w, 'legacy', { kind: 'legacy' });
    await add(w, 'far', { expiresAt: NOW + 181 * DAY });
    await add(w, 'near', { expiresAt: NOW + 179 * DAY });
    expect(await w.metric('legacy')).toMatchObject({ value: 1, offenders: ['spiffe://td/legacy'] });
    expect(await w.metric('far-end')).toMatchObject({ value: 1, offenders: ['spiffe://td/far'] });
  });

  it('measures how long a retired identity could still be used', async () => {
    const w = await world();
    await add(w, 'a');
    await issue(w, 'a');
    await w.store.retireIdentity(anIdentity({ ...WHOLE, state: 'retired', stateSince: NOW, revision: 2 }), BY);
    const terms = { ...TERMS, now: Date.now() + HOUR };
    expect(await w.metric('offboarding', terms)).toMatchObject({ unit: 'seconds', target: 'at most 3600 s' });
  });

  it('C5: counts open findings', async () => {
    const w = await world();
    const finding = { identity: 'spiffe://td/a', evidence: {}, key: {}, at: NOW, count: 1 } as const;
    await w.store.findings.report({ ...finding, detector: 'static-secret' }, BY);
    await w.store.findings.report({ ...finding, detector: 'new-binary' }, BY);
    expect(await w.metric('findings-static-secret')).toMatchObject({
      value: 1,
      target: 'none',
      verdict: 'missed',
      offenders: ['1 spiffe://td/a'],
    });
    expect(await w.metric('findings-new-binary')).toMatchObject({ value: 1, verdict: 'watch' });
    await w.store.findings.close(1, 'moved', BY, NOW);
    expect(await w.metric('findings-static-secret')).toMatchObject({ value: 0, verdict: 'met' });
  });

  it('sees a log that is not checkpointed', async () => {
    const w = await world();
    const { size, root } = w.store.audit.head();
    expect(await w.metric('checkpoint-age', { ...TERMS, now: NOW + 2 * HOUR })).toMatchObject({ verdict: 'missed' });
    await w.store.audit.putCheckpoint({ size, root, at: NOW, note: 'x' });
    expect(await w.metric('checkpoint-age', { ...TERMS, now: NOW + 2 * HOUR })).toMatchObject({ value: 0 });
    await add(w, 'a');
    expect(await w.metric('checkpoint-age', { ...TERMS, now: NOW + 2 * HOUR })).toMatchObject({ value: 7_200 });
  });

  it('refuses a metric that is not there, and everything once the store is closed', async () => {
    const { store } = await world();
    await expect(store.reports.one('none', TERMS, 1)).rejects.toMatchObject({ reason: 'REPORT_FAILED' });
    await store.close();
    await expect(store.reports.take(TERMS, 1)).rejects.toMatchObject({ reason: 'REPORT_FAILED' });
  });

  it('goes over no table of issuances as a whole', async () => {
    const w = await world();
    await w.store.close();
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(`${top}/data-${count}/assay.db`, { readonly: true });
    const parameters = { now: 0, unused_since: 0, kept_since: 0, limit: 1 };
    const plans = METRICS.flatMap(({ id, sql, offenders }) =>
      [sql, offenders].flatMap((text) => {
        if (text === undefined) return [];
        const named = Object.entries(parameters).filter(([name]) => text.includes(`@${name}`));
        const rows = db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(Object.fromEntries(named)) as { detail: string }[];
        return rows.map(({ detail }) => `${id}: ${detail}`);
      }),
    );
    db.close();
    expect(plans.filter((one) => /SCAN (t|issuance|event)\b(?! USING INDEX issuance_revoked)/.test(one))).toEqual([]);
  });
});
