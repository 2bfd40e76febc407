// SPDX-License-Identifier: Apache-2.0
/** The log: an event for everything that changes, in its transaction, each a leaf of one tree. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { provesConsistency, provesInclusion } from '../../src/merkle/proof.ts';
import { type EventRecord, eventLeaf, payloadHash } from '../../src/store/events.ts';
import type { Store } from '../../src/store/store.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anAuthority, anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('events');
let count = 0;

async function fresh(): Promise<{ readonly store: Store; readonly dir: string }> {
  count += 1;
  const dir = join(top, `data-${count}`);
  return { store: await openStore(dir), dir };
}

function allOf(store: Store): readonly EventRecord[] {
  return store.audit.events({}, { limit: 1000 }).rows;
}

const kindsOf = (store: Store): readonly string[] => allOf(store).map(({ kind }) => kind);
const payloadOf = (event: EventRecord | undefined): unknown => JSON.parse(event?.payload?.text ?? 'null');

describe('every change has its event', () => {
  it('named after what happened, by whoever did it, with the row as it was written', async () => {
    const { store } = await fresh();
    await store.setMetaOnce('trust_domain', 'td');
    await store.createEntry(anEntry(), anIdentity(), BY);
    await store.updateEntry({ ...anEntry(), hint: 'h', revision: 2 }, 'uid:1001');
    const suspended = { ...anIdentity(), state: 'suspended', stateReason: 'x', revision: 2 } as const;
    await store.updateIdentity(suspended, 'assay');
    await store.updateIdentity({ ...suspended, state: 'active', stateReason: null, revision: 3 }, BY);
    await store.updateIdentity({ ...suspended, state: 'active', stateReason: null, owner: 'o', revision: 4 }, BY);
    await store.deleteEntry('e1', BY, NOW);
    const content = { certificates: [Buffer.of(1)], jwtKeys: [], sequence: 3n, refreshHintSeconds: null };
    await store.putBundle({ trustDomain: 'other', updatedAt: NOW, updatedBy: BY, ...content });
    await store.deleteBundle('other', BY, NOW);
    await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
    expect(kindsOf(store)).toEqual([
      'log.begin',
      'meta.fix',
      'identity.create',
      'entry.create',
      'entry.update',
      'identity.suspend',
      'identity.activate',
      'identity.update',
      'entry.delete',
      'bundle.set',
      'bundle.delete',
      'authority.change',
    ]);
    const events = allOf(store);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at));
    expect(events.slice(2, 9).map(({ identity }) => identity)).toEqual(Array(7).fill('spiffe://td/a'));
    expect(events[4]?.actor).toBe('uid:1001');
    expect(payloadOf(events[3])).toMatchObject({ id: 'e1', selectors: 'unix:uid:1000', hint: '', revision: 1 });
    expect(payloadOf(events[4])).toMatchObject({ id: 'e1', hint: 'h', revision: 2 });
    expect(payloadOf(events[9])).toMatchObject({ trust_domain: 'other', certificates: ['AQ=='], sequence: '3' });
  });

  it('I3: an issuance and its leaf are one transaction, and its row is the payload', async () => {
    const { store } = await fresh();
    await furnish(store);
    const issuance = anIssuance({ audiences: ['a', 'b'], marks: ['weak_peer'], facts: '{"é":"☃"}' });
    const { seq } = await store.record(issuance);
    const event = allOf(store).at(-1);
    expect(event).toMatchObject({ kind: 'issue.x509', identity: 'spiffe://td/a', actor: `uid:${issuance.uid}` });
    expect(payloadOf(event)).toMatchObject({ seq, serial: issuance.serial, facts: issuance.facts, marks: 'weak_peer' });
    await store.markUndelivered(seq, 'gone');
    expect(payloadOf(allOf(store).at(-1))).toEqual({ seq, reason: 'gone' });
    expect(allOf(store).at(-2)?.payload?.text).toBe(event?.payload?.text);
  });

  it('I3: what is refused leaves no event, and those beside it in the batch keep theirs without a gap', async () => {
    const { store } = await fresh();
    await furnish(store);
    const before = kindsOf(store).length;
    const stale = anIssuance();
    const results = await Promise.allSettled([
      store.record(anIssuance()),
      store.deleteEntry('nope', BY, NOW),
      store.record({ ...stale, decidedOn: { ...stale.decidedOn, entryRevision: 7 } }),
      // Two events, and the second statement refuses.
      store.createEntry(
        { ...anEntry(), selectors: ['unix:uid:7'] },
        { ...anIdentity(), spiffeId: 'spiffe://td/b' },
        BY,
      ),
      store.record(anIssuance()),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(kindsOf(store).slice(before)).toEqual(['issue.x509', 'issue.x509']);
    expectWhole(store);
  });

  it('I3: a second issuance of one serial is refused, and leaves no event', async () => {
    const { store } = await fresh();
    await furnish(store);
    const issuance = anIssuance();
    await store.record(issuance);
    const before = store.audit.head();
    await expect(store.record(issuance)).rejects.toThrow();
    expect(store.audit.head()).toEqual(before);
    await store.record(anIssuance());
    expectWhole(store);
  });

  it('begins with what a database of before it held', async () => {
    const { store, dir } = await fresh();
    await furnish(store);
    await store.setMetaOnce('trust_domain', 'td');
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    const triggers = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).pluck().all() as string[];
    for (const name of triggers) db.exec(`DROP TRIGGER ${name}`);
    db.exec(`DELETE FROM event_payload; DELETE FROM event; UPDATE counter SET value = 0 WHERE name = 'event'`);
    db.close();
    const mark = join(dir, 'high-water-mark');
    const { readFileSync, writeFileSync } = await import('node:fs');
    writeFileSync(mark, readFileSync(mark, 'utf8').replace(/event[\s\S]*$/, ''));
    const again = await openStore(dir);
    expect(kindsOf(again)).toEqual(['log.begin', 'identity.import', 'entry.import', 'meta.import', 'authority.import']);
    expect(payloadOf(allOf(again)[2])).toMatchObject({ id: 'e1', selectors: 'unix:uid:1000' });
    expectWhole(again);
  });
});

/** Every leaf is that of its event, every payload that of its hash, and the root that of the leaves. */
function expectWhole(store: Store): void {
  const { size, root } = store.audit.head();
  const events = allOf(store);
  expect(events.length).toBe(Math.min(1000, size));
  for (const event of events) {
    expect(event.leafHash).toEqual(eventLeaf(event));
    if (event.payload === undefined) continue;
    expect(payloadHash(event.payload.salt.toString('hex'), event.payload.text)).toEqual(event.payloadSha256);
    const proof = store.audit.inclusionProof(event.seq, size);
    expect(provesInclusion({ leaf: event.leafHash, index: event.seq, size, proof, root })).toBe(true);
  }
}

describe('the tree of the log', () => {
  it('is the same after a restart, and past the first stored nodes', async () => {
    const { store, dir } = await fresh();
    await furnish(store);
    const roots = new Map([[store.audit.head().size, store.audit.head().root]]);
    for (let round = 0; round < 7; round += 1) {
      await Promise.all(Array.from({ length: 93 }, () => store.record(anIssuance())));
      roots.set(store.audit.head().size, store.audit.head().root);
    }
    expectWhole(store);
    await store.close();
    const again = await openStore(dir);
    await again.record(anIssuance());
    const { size, root } = again.audit.head();
    expect(size).toBeGreaterThan(512);
    for (const [from, fromRoot] of roots) {
      expect(again.audit.rootAt(from)).toEqual(fromRoot);
      const proof = again.audit.consistencyProof(from, size);
      expect(provesConsistency({ from, fromRoot, to: size, toRoot: root, proof })).toBe(true);
    }
    expectWhole(again);
  });
});

describe('what is kept', () => {
  it.each([
    ['an event is changed', `UPDATE event SET actor = 'uid:7'`],
    ['an event is removed', 'DELETE FROM event WHERE seq = 1'],
    ['a payload is changed', `UPDATE event_payload SET payload = '{}'`],
    ['a payload is removed', 'DELETE FROM event_payload WHERE seq = 1'],
    ['what was issued is changed', 'UPDATE issuance SET uid = 0'],
    ['the salt of an issuance is changed', 'UPDATE issuance SET salt = zeroblob(16)'],
    ['a checkpoint is changed', `UPDATE checkpoint SET note = 'x'`],
    ['a checkpoint is removed', 'DELETE FROM checkpoint'],
  ])('I3: SQL refuses that %s', async (_, sql) => {
    const { store, dir } = await fresh();
    await furnish(store);
    await store.record(anIssuance());
    await store.audit.putCheckpoint({ ...store.audit.head(), at: NOW, note: 'note' });
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec(sql)).toThrow(/kept|never changed/);
    db.close();
  });

  it('a checkpoint of a size is kept once', async () => {
    const { store } = await fresh();
    const head = store.audit.head();
    await store.audit.putCheckpoint({ ...head, at: NOW, note: 'first' });
    await store.audit.putCheckpoint({ ...head, at: NOW + 1, note: 'second' });
    expect(store.audit.latestCheckpoint()).toEqual({ ...head, at: NOW, note: 'first' });
    expect(store.audit.checkpointOver(0)?.note).toBe('first');
    expect(store.audit.checkpointOver(head.size)).toBeUndefined();
  });

  it('a payload can be erased with a reason, and the proof of its event stands', async () => {
    const { store } = await fresh();
    await furnish(store);
    const event = allOf(store).find(({ kind }) => kind === 'identity.create') as EventRecord;
    await store.audit.redact(event.seq, 'asked for', BY, NOW);
    const after = store.audit.event(event.seq) as EventRecord;
    expect(after).toEqual({ ...event, payload: undefined });
    expect(payloadOf(allOf(store).at(-1))).toEqual({ seq: event.seq, reason: 'asked for' });
    const { size, root } = store.audit.head();
    const proof = store.audit.inclusionProof(event.seq, size);
    expect(provesInclusion({ leaf: eventLeaf(after), index: event.seq, size, proof, root })).toBe(true);
    const twice = await refusalOfAsync(() => store.audit.redact(event.seq, 'again', BY, NOW));
    expect(twice.reason).toBe('PAYLOAD_KEPT');
  });

  it('the payload of an issuance leaves with its row, and nothing erases it before', async () => {
    const { store } = await fresh();
    await furnish(store);
    await store.record(anIssuance());
    const event = allOf(store).at(-1) as EventRecord;
    const refused = await refusalOfAsync(() => store.audit.redact(event.seq, 'x', BY, NOW));
    expect(refused.reason).toBe('PAYLOAD_KEPT');
    const authority = allOf(store).find(({ kind }) => kind === 'authority.change') as EventRecord;
    const needed = await refusalOfAsync(() => store.audit.redact(authority.seq, 'x', BY, NOW));
    expect(needed.message).toBe(`event ${authority.seq} (authority.change) is needed: it is not erased`);
    expect(await store.prune(NOW * 2)).toBe(1);
    expect(store.audit.event(event.seq)?.payload).toBeUndefined();
    expect(payloadOf(allOf(store).at(-1))).toEqual({ count: 1, not_after_before: NOW * 2 });
    expectWhole(store);
  });

  it('there is no event to erase past the last', async () => {
    const { store } = await fresh();
    expect((await refusalOfAsync(() => store.audit.redact(99, 'x', BY, NOW))).reason).toBe('EVENT_NOT_FOUND');
  });
});

describe('events are found', () => {
  it('by identity, kind, actor and time, oldest or newest first, page by page', async () => {
    const { store } = await fresh();
    await furnish(store);
    for (let at = 0; at < 5; at += 1) await store.record(anIssuance({ issuedAt: NOW + at }));
    const seqs = (filter: Parameters<Store['audit']['events']>[0], newest = false): readonly number[] =>
      store.audit.events(filter, { limit: 100 }, newest).rows.map(({ seq }) => seq);
    const all = allOf(store);
    const issues = all.filter(({ kind }) => kind === 'issue.x509').map(({ seq }) => seq);
    expect(seqs({ kind: 'issue.' })).toEqual(issues);
    expect(seqs({ kind: 'issue.x509' }, true)).toEqual(issues.toReversed());
    expect(seqs({ kind: 'issue' })).toEqual([]);
    expect(seqs({ identity: 'spiffe://td/a' })).toHaveLength(issues.length + 2);
    expect(seqs({ identity: 'spiffe://td/a', kind: 'entry.' })).toHaveLength(1);
    expect(seqs({ kind: 'issue.', since: NOW + 1, until: NOW + 3 })).toEqual(issues.slice(1, 3));
    expect(seqs({ actor: BY })).not.toContain(0);
    const first = store.audit.events({}, { limit: 3 });
    const second = store.audit.events({}, { limit: 3, after: first.next as string });
    expect([...first.rows, ...second.rows].map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

it('whoever follows the log is told how many events there are, once a batch, after the changes', async () => {
  const { store } = await fresh();
  const told: number[] = [];
  const undo = store.audit.onAppended((events) => told.push(events));
  await furnish(store);
  await Promise.all([store.record(anIssuance()), store.record(anIssuance())]);
  const events = store.audit.head().size;
  expect(told.at(-1)).toBe(events);
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
  undo();
  await store.record(anIssuance());
  expect(told.at(-1)).toBe(events);
});
