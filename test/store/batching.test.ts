// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Change } from '../../src/store/records.ts';
import { CommitGate } from '../../src/store/sqlite/commit-gate.ts';
import type { Store } from '../../src/store/store.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('batching');

describe('the writer', () => {
  let dir: string;
  let gate: CommitGate;
  let store: Store;

  beforeEach(async () => {
    dir = mkdtempSync(join(top, 'data-'));
    gate = new CommitGate();
    store = await openStore(dir, { holdCommit: gate });
    await furnish(store);
  });
  afterEach(async () => {
    gate.release();
    await store.close();
  });

  /** What another connection sees: the committed rows alone. */
  function committed(sql: string): unknown[] {
    const db = new Database(join(dir, 'assay.db'), { readonly: true });
    const rows = db.prepare(sql).pluck().all();
    db.close();
    return rows;
  }

  it('I3: resolves nothing before the commit', async () => {
    gate.hold();
    let resolved = false;
    const recording = store.record(anIssuance()).then(() => {
      resolved = true;
    });
    await gate.reached();
    expect([resolved, committed('SELECT seq FROM issuance')]).toEqual([false, []]);
    gate.release();
    await recording;
    expect(committed('SELECT seq FROM issuance')).toEqual([1]);
  });

  it('takes what queued up meanwhile as one transaction, in order', async () => {
    gate.hold();
    const first = store.record(anIssuance());
    await gate.reached();
    const order: number[] = [];
    const others = Array.from({ length: 50 }, () => store.record(anIssuance()).then(({ seq }) => void order.push(seq)));
    // In turns of the event loop of their own, so in messages of their own.
    await new Promise((resolve) => setImmediate(resolve));
    const last = store.deleteEntry('e1', BY, NOW);
    gate.release();
    gate.hold();
    await first;
    await gate.reached();
    expect(committed('SELECT count(*) FROM issuance')).toEqual([1]);
    gate.release();
    await Promise.all([...others, last]);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i + 2));
  });

  it('tells all changes of a batch before the first of its promises resolves', async () => {
    const told: Change[] = [];
    store.onChanges((changes) => told.push(...changes));
    gate.hold();
    const first = store.record(anIssuance());
    await gate.reached();
    const record = store.record(anIssuance()).then(() => told.map((change) => change.key));
    const deleted = store.deleteEntry('e1', BY, NOW);
    gate.release();
    await Promise.all([first, deleted]);
    expect(await record).toEqual(['e1']);
  });

  it('a refused command leaves no trace and its neighbours stand', async () => {
    const before = store.lastChangeSeq();
    const outcomes = await Promise.allSettled([
      store.createEntry(
        anEntry({ id: 'n1', spiffeId: 'spiffe://td/n' }),
        anIdentity({ spiffeId: 'spiffe://td/n' }),
        BY,
      ),
      // Refused after its identity row was written.
      store.createEntry(anEntry({ spiffeId: 'spiffe://td/m' }), anIdentity({ spiffeId: 'spiffe://td/m' }), BY),
      store.record(anIssuance()),
      store.record(anIssuance({ serial: 'ff', decidedOn: { ...anIssuance().decidedOn, entryRevision: 9 } })),
      store.record(anIssuance()),
      store.createEntry(anEntry({ id: 'n2', selectors: ['unix:uid:7'] }), undefined, BY),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(committed('SELECT spiffe_id FROM identity ORDER BY no')).toEqual(['spiffe://td/a', 'spiffe://td/n']);
    expect(committed('SELECT seq FROM change ORDER BY seq').slice(before)).toEqual([4, 5, 6]);
    expect(committed('SELECT seq FROM issuance ORDER BY seq')).toEqual([1, 2]);
    expect([store.lastChangeSeq(), store.lastIssuanceSeq()]).toEqual([6, 2]);
  });

  it('a command that cannot be bound fails alone', async () => {
    const [bad, good] = await Promise.allSettled([
      store.record(anIssuance({ pid: Number.NaN, uid: undefined as unknown as number })),
      store.record(anIssuance()),
    ]);
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
    const mismatch = anIssuance({ decidedOn: { ...anIssuance().decidedOn, entryId: 'other' } });
    expect((await refusalOfAsync(() => store.record(mismatch))).reason).toBe('DECISION_MISMATCH');
    expect(await store.record(anIssuance())).toEqual({ seq: 2 });
  });

  it('a listener that throws does not keep the others from a committed change', async () => {
    const heard: number[] = [];
    store.onChanges(() => {
      throw new Error('listener');
    });
    const undo = store.onChanges((changes) => heard.push(...changes.map((change) => change.seq)));
    await store.deleteEntry('e1', BY, NOW);
    undo();
    await store.createEntry(anEntry(), undefined, BY);
    expect(heard).toEqual([4]);
  });

  it('says that changes were asked for, until every one of them is told or refused', async () => {
    expect(store.changesInFlight()).toBeUndefined();
    gate.hold();
    const recorded = store.record(anIssuance());
    await gate.reached();
    // An issuance is no change.
    expect(store.changesInFlight()).toBeUndefined();
    const refused = refusalOfAsync(() => store.deleteEntry('nope', BY, NOW));
    const deleted = store.deleteEntry('e1', BY, NOW);
    const told: string[] = [];
    store.onChanges((changes) => told.push(...changes.map((change) => change.key)));
    const settled = store.changesInFlight()?.then(() => [...told]);
    expect(settled).toBeDefined();
    gate.release();
    await Promise.all([recorded, refused, deleted]);
    expect(await settled).toEqual(['e1']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.changesInFlight()).toBeUndefined();
  });

  it('reading goes on while a commit is held', async () => {
    gate.hold();
    const writing = store.deleteEntry('e1', BY, NOW);
    await gate.reached();
    expect(store.listEntries({}, { limit: 10 }).rows).toHaveLength(1);
    gate.release();
    await writing;
    expect(store.listEntries({}, { limit: 10 }).rows).toHaveLength(0);
  });
});
