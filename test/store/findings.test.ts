// SPDX-License-Identifier: Apache-2.0
/** Findings: opened once, counted while open, closed once, each step with its event. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  BINARIES_PER_IDENTITY,
  DETECTORS,
  type NewFinding,
  OPEN_IN_ALL,
  OPEN_PER_DETECTOR,
} from '../../src/store/findings.ts';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, furnish, NOW } from './samples.ts';

const top = tempDir('findings');
const ID = 'spiffe://td/a';
const DETECTOR_BY = 'assay';
let count = 0;

async function world() {
  count += 1;
  const dir = join(top, `data-${count}`);
  const store = await openStore(dir);
  await furnish(store);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  return { dir, store, changes };
}

function aFinding(change: Partial<NewFinding> = {}): NewFinding {
  const evidence = { names: ['AWS_SECRET_ACCESS_KEY'], pid: 7 };
  const key = { names: ['AWS_SECRET_ACCESS_KEY'] };
  return { detector: 'static-secret', identity: ID, evidence, key, at: NOW, count: 1, ...change };
}

const eventsOf = (store: Store): readonly (readonly [string, string, string | null, unknown])[] =>
  store.audit
    .events({ kind: 'finding.' }, { limit: 100 })
    .rows.map(({ kind, actor, identity, payload }) => [kind, actor, identity, JSON.parse(payload?.text ?? 'null')]);

const verify = (dir: string): readonly string[] => {
  const files = { databasePath: join(dir, 'assay.db'), markPath: join(dir, 'high-water-mark') };
  return verifyDatabase({ ...files, verifier: undefined, outside: [] }).faults.map(
    ({ row, what }) => `${row}: ${what}`,
  );
};

describe('a finding', () => {
  it('is opened with its event and told of', async () => {
    const { store, changes } = await world();
    const finding = await store.findings.report(aFinding(), DETECTOR_BY);
    expect(finding).toEqual({
      id: 1,
      detector: 'static-secret',
      identity: ID,
      task: null,
      evidence: '{"names":["AWS_SECRET_ACCESS_KEY"],"pid":7}',
      openedAt: NOW,
      lastSeenAt: NOW,
      count: 1,
      closedAt: null,
      closedBy: null,
      resolution: null,
    });
    expect(changes).toMatchObject([{ kind: 'finding', action: 'put', key: '1', by: DETECTOR_BY, finding }]);
    expect(store.lastChangeSeq()).toBe(changes[0]?.seq);
    expect(eventsOf(store)).toEqual([
      ['finding.open', DETECTOR_BY, ID, expect.objectContaining({ id: 1, closed_at: null })],
    ]);
  });

  it('that was seen in a task names it, and so do its events', async () => {
    const { store } = await world();
    expect(await store.findings.report(aFinding({ task: 'T1' }), DETECTOR_BY)).toMatchObject({ task: 'T1' });
    await store.findings.close(1, 'looked at', BY, NOW + 5);
    const events = store.audit.events({ kind: 'finding.' }, { limit: 9 }).rows;
    expect(events.map(({ kind, task }) => [kind, task])).toEqual([
      ['finding.open', 'T1'],
      ['finding.close', 'T1'],
    ]);
  });

  it('that is seen again while open is counted, without another event', async () => {
    const { store } = await world();
    await store.findings.report(aFinding(), DETECTOR_BY);
    const again = await store.findings.report(
      aFinding({ evidence: { names: ['AWS_SECRET_ACCESS_KEY'], pid: 8 }, at: NOW + 90_000, count: 3 }),
      DETECTOR_BY,
    );
    expect(again).toMatchObject({ id: 1, count: 4, openedAt: NOW, lastSeenAt: NOW + 90_000 });
    expect(JSON.parse(again.evidence)).toMatchObject({ pid: 7 });
    expect(eventsOf(store)).toHaveLength(1);
  });

  it.each([
    ['another detector', { detector: 'human-use' }],
    ['another identity', { identity: 'spiffe://td/b' }],
    ['another key', { key: { names: ['DB_PASSWORD'] } }],
  ] as const)('of %s is another one', async (_, change) => {
    const { store } = await world();
    await store.findings.report(aFinding(), DETECTOR_BY);
    expect(await store.findings.report(aFinding(change), DETECTOR_BY)).toMatchObject({ id: 2, count: 1 });
  });

  it('C5: is closed once, by somebody, for a reason, and opened anew when it is seen again', async () => {
    const { store } = await world();
    await store.findings.report(aFinding(), DETECTOR_BY);
    const closed = await store.findings.close(1, 'moved to the vault', BY, NOW + 5);
    expect(closed).toMatchObject({ closedAt: NOW + 5, closedBy: BY, resolution: 'moved to the vault' });
    expect(eventsOf(store).at(-1)).toMatchObject([
      'finding.close',
      BY,
      ID,
      { id: 1, resolution: 'moved to the vault' },
    ]);
    await expect(store.findings.close(1, 'again', BY, NOW + 6)).rejects.toMatchObject({ reason: 'FINDING_CLOSED' });
    await expect(store.findings.close(9, 'none', BY, NOW)).rejects.toMatchObject({ reason: 'FINDING_NOT_FOUND' });
    expect(store.findings.get(1)?.resolution).toBe('moved to the vault');
    expect(await store.findings.report(aFinding({ at: NOW + 7 }), DETECTOR_BY)).toMatchObject({ id: 2, count: 1 });
  });

  it('keeps no decision waiting', async () => {
    const { store } = await world();
    const reported = store.findings.report(aFinding(), DETECTOR_BY);
    expect(store.changesInFlight()).toBeUndefined();
    await reported;
  });

  it(`I9: is counted with the newest where ${OPEN_PER_DETECTOR} of a detector are open for the identity`, async () => {
    const { store } = await world();
    for (let n = 0; n < OPEN_PER_DETECTOR + 4; n += 1)
      await store.findings.report(aFinding({ key: { names: [`X${n}_API_KEY`] } }), DETECTOR_BY);
    const { rows } = store.findings.list({ open: true }, { limit: 100 });
    expect(rows).toHaveLength(OPEN_PER_DETECTOR);
    expect(rows[0]).toMatchObject({ id: OPEN_PER_DETECTOR, count: 5 });
    expect(await store.findings.report(aFinding({ detector: 'human-use' }), DETECTOR_BY)).toMatchObject({ count: 1 });
  });

  it(`I9: is refused where ${OPEN_IN_ALL} are open in all`, async () => {
    const { dir, store } = await world();
    await store.close();
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(join(dir, 'assay.db'));
    db.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OPEN_IN_ALL})
       INSERT INTO finding (detector, identity, evidence_key, evidence, opened_at, last_seen_at, count)
       SELECT 'unused', 'spiffe://td/' || i, zeroblob(32), '{}', 0, 0, 1 FROM n`,
    );
    db.close();
    const again = await openStore(dir);
    await expect(again.findings.report(aFinding(), DETECTOR_BY)).rejects.toMatchObject({ reason: 'FINDINGS_FULL' });
    const counted = aFinding({ detector: 'unused', identity: 'spiffe://td/5' });
    await expect(again.findings.report(counted, DETECTOR_BY)).rejects.toMatchObject({ reason: 'FINDINGS_FULL' });
    await again.findings.close(5, 'looked at', BY, NOW);
    expect(await again.findings.report(aFinding(), DETECTOR_BY)).toMatchObject({ id: OPEN_IN_ALL + 1 });
  });

  it('is listed newest first, by identity and whether it is open', async () => {
    const { store } = await world();
    for (const identity of [ID, 'spiffe://td/b', ID])
      await store.findings.report(aFinding({ identity, key: { n: count++ } }), DETECTOR_BY);
    await store.findings.close(3, 'x', BY, NOW);
    const ids = (filter: object): readonly number[] =>
      store.findings.list(filter, { limit: 100 }).rows.map(({ id }) => id);
    expect(ids({})).toEqual([3, 2, 1]);
    expect(ids({ open: true })).toEqual([2, 1]);
    expect(ids({ identity: ID })).toEqual([3, 1]);
    expect(ids({ identity: ID, open: true, detector: 'static-secret' })).toEqual([1]);
    expect(ids({ detector: 'human-use' })).toEqual([]);
  });

  it('B5: verifies, and one that was changed or made up behind our back is named', async () => {
    const { dir, store } = await world();
    await store.findings.report(aFinding(), DETECTOR_BY);
    await store.findings.report(aFinding({ at: NOW + 1 }), DETECTOR_BY);
    await store.findings.report(aFinding({ detector: 'human-use' }), DETECTOR_BY);
    await store.findings.close(2, 'x', BY, NOW);
    await store.close();
    expect(verify(dir)).toEqual([]);
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec('DELETE FROM finding')).toThrow(/kept for good/);
    expect(() => db.exec("UPDATE finding SET resolution = 'y' WHERE id = 2")).toThrow(/never changed/);
    db.exec("UPDATE finding SET closed_at = 1, closed_by = 'uid:0', resolution = 'nothing to see' WHERE id = 1");
    db.close();
    expect(verify(dir)).toEqual([expect.stringMatching(/^finding "1": it is not as event \d+ wrote it: closed_at/)]);
  });
});

describe('programs seen', () => {
  it('tell the first of their sort, a new one, and one that is known', async () => {
    const { store } = await world();
    const see = (binary: string, identity = ID) => store.findings.seeBinary(identity, binary, NOW);
    expect(await see('sha256:aa')).toBe('first');
    expect(await see('sha256:aa')).toBe('known');
    expect(await see('file:8:1')).toBe('first');
    expect(await see('sha256:bb')).toBe('new');
    expect(await see('sha256:aa')).toBe('known');
    expect(await see('sha256:bb', 'spiffe://td/b')).toBe('first');
  });

  it(`I9: are forgotten, the oldest first, beyond ${BINARIES_PER_IDENTITY}`, async () => {
    const { store } = await world();
    for (let n = 0; n <= BINARIES_PER_IDENTITY; n += 1) await store.findings.seeBinary(ID, `sha256:${n}`, NOW + n);
    expect(await store.findings.seeBinary(ID, 'sha256:1', NOW + 99)).toBe('known');
    expect(await store.findings.seeBinary(ID, 'sha256:0', NOW + 99)).toBe('new');
  });
});

it('C5: every detector with an open finding about an identity is told, however much others have found', async () => {
  const { store } = await world();
  const { id } = await store.findings.report(aFinding(), DETECTOR_BY);
  for (const detector of DETECTORS.filter((one) => one !== 'static-secret'))
    for (let at = 0; at < OPEN_PER_DETECTOR; at += 1)
      await store.findings.report(aFinding({ detector, key: { at } }), DETECTOR_BY);
  expect(store.findings.openDetectors(ID)).toEqual(DETECTORS);
  expect(store.findings.openDetectors('spiffe://td/b')).toEqual([]);
  await store.findings.close(id, 'moved away', BY, NOW + 1);
  expect(store.findings.openDetectors(ID)).toEqual(DETECTORS.filter((one) => one !== 'static-secret'));
  await store.close();
});
