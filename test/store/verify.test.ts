// SPDX-License-Identifier: Apache-2.0
/** Attack B5: whoever changes the file behind the daemon's back is found, and the row is named. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { type NoteSigner, signCheckpoint, verifierKey } from '../../src/merkle/note.ts';
import { type Verified, verifyDatabase, verifyDatabaseAside } from '../../src/store/sqlite/verify.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('verify');
const whole = join(top, 'whole');
let count = 0;

function signerOf(name: string): NoteSigner {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { name, publicKey: createPublicKey(privateKey), sign: (text) => sign(null, text, privateKey) };
}
const signer = signerOf('td/assay/00');
let note = '';

beforeAll(async () => {
  const store = await openStore(whole);
  await store.audit.append({
    kind: 'log.key',
    at: NOW,
    actor: 'assay',
    identity: null,
    payload: canonicalJson({ key: verifierKey(signer) }),
  });
  await furnish(store);
  await store.setMetaOnce('trust_domain', 'td');
  await store.createEntry(
    { ...anEntry(), id: 'e2', spiffeId: 'spiffe://td/b', selectors: ['unix:uid:7'] },
    { ...anIdentity(), spiffeId: 'spiffe://td/b' },
    BY,
  );
  await store.createEntry({ ...anEntry(), id: 'gone', selectors: ['unix:uid:8'] }, undefined, BY);
  await store.deleteEntry('gone', BY, NOW);
  const content = { certificates: [Buffer.of(1, 2)], jwtKeys: [], sequence: 3n, refreshHintSeconds: 60 };
  await store.putBundle({ trustDomain: 'other', updatedAt: NOW, updatedBy: BY, ...content });
  for (let at = 0; at < 300; at += 1) {
    const { seq } = await store.record(anIssuance());
    if (at === 7) await store.markUndelivered(seq, 'gone');
  }
  const head = store.audit.head();
  note = signCheckpoint({ origin: signer.name, ...head }, signer);
  await store.audit.putCheckpoint({ ...head, at: NOW, note });
  await store.record(anIssuance());
  await store.close();
});

/** A copy, changed by SQL that the triggers would refuse. */
function changed(...sql: string[]): string {
  count += 1;
  const dir = join(top, `copy-${count}`);
  cpSync(whole, dir, { recursive: true });
  chmodSync(dir, 0o700);
  const db = new Database(join(dir, 'assay.db'));
  for (const name of db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`).pluck().all())
    db.exec(`DROP TRIGGER ${String(name)}`);
  db.pragma('foreign_keys = OFF');
  for (const one of sql) db.exec(one);
  db.close();
  return dir;
}

function verified(dir: string, options: Partial<Parameters<typeof verifyDatabase>[0]> = {}): Verified {
  const [databasePath, markPath] = [join(dir, 'assay.db'), join(dir, 'high-water-mark')];
  return verifyDatabase({ databasePath, markPath, verifier: undefined, outside: [], ...options });
}

const aside = (dir: string): Promise<Verified> => {
  const [databasePath, markPath] = [join(dir, 'assay.db'), join(dir, 'high-water-mark')];
  return verifyDatabaseAside({ databasePath, markPath, verifier: undefined, outside: [] });
};

const faultsOf = (dir: string): readonly string[] => verified(dir).faults.map(({ row, what }) => `${row}: ${what}`);

/** What is said of an issuance whose event says otherwise. */
const MARKED = /^issuance 4: its kind, time, identity or task/;

describe('a log as it was written', () => {
  it('verifies, with its key, its checkpoints and those that were kept', () => {
    const found = verified(whole, { verifier: signer, outside: [{ row: 'kept', note }] });
    expect(found.faults).toEqual([]);
    expect(found).toMatchObject({ checkpoints: 2, payloadsGone: 0, keys: [verifierKey(signer)] });
    expect(verified(whole).faults).toEqual([]);
  });

  it('verifies after payloads were erased, and issuance rows left', async () => {
    const dir = changed();
    const store = await openStore(dir);
    const { seq } = store.audit.events({ kind: 'identity.create' }, { limit: 1 }).rows[0]!;
    await store.audit.redact(seq, 'asked for', BY, NOW);
    expect(await store.prune(NOW * 2)).toBe(301);
    await store.close();
    const found = verified(dir);
    expect(found.faults).toEqual([]);
    expect(found.payloadsGone).toBe(302);
  });

  it('verifies while a daemon writes to it', async () => {
    const dir = changed();
    const store = await openStore(dir);
    const writing = Promise.all(Array.from({ length: 500 }, () => store.record(anIssuance())));
    expect(verified(dir).faults).toEqual([]);
    await writing;
    expect(verified(dir).faults).toEqual([]);
    await store.close();
  });
});

describe('B5: a row that was changed is named', () => {
  it.each([
    [
      'what an event says',
      `UPDATE event_payload SET payload = replace(payload, '1000', '1001') WHERE seq = 3`,
      /^event 3: what it says/,
    ],
    ['a salt', `UPDATE event_payload SET salt = zeroblob(16) WHERE seq = 3`, /^event 3: what it says/],
    ['who did it', `UPDATE event SET actor = 'uid:7' WHERE seq = 5`, /^event 5: it is not what its leaf/],
    ['when', `UPDATE event SET at = at + 1 WHERE seq = 5`, /^event 5: it is not what its leaf/],
    ['a leaf', `UPDATE event SET leaf_hash = zeroblob(32) WHERE seq = 5`, /^event 5: it is not what its leaf/],
    ['a node', 'UPDATE log_node SET hash = zeroblob(32)', /^node 0 of level 8: it is not the hash/],
    ['a node that is no more', 'DELETE FROM log_node', /^node 0 of level 8: it is not the hash/],
    ['a node too many', 'INSERT INTO log_node VALUES (8, 99, zeroblob(32))', /^nodes: there are 2 where/],
    ['an event that is no more', 'DELETE FROM event WHERE seq = 9', /^event 9: it is missing/],
    ['a payload that is no more', 'DELETE FROM event_payload WHERE seq = 4', /^event 4: its payload is missing/],
    ['a payload too many', `INSERT INTO event_payload VALUES (9999, zeroblob(16), '{}')`, /^payload 9999: it belongs/],
    ['the uid of an issuance', 'UPDATE issuance SET uid = 0 WHERE seq = 4', /^event \d+: what it says/],
    [
      'the serial of an issuance',
      'UPDATE issuance SET serial = zeroblob(16) WHERE seq = 4',
      /^event \d+: what it says/,
    ],
    ['the identity of an issuance', 'UPDATE issuance SET identity_no = 2 WHERE seq = 4', MARKED],
    ['the time of an issuance', 'UPDATE issuance SET issued_at = 1 WHERE seq = 4', MARKED],
    ['the task of an issuance', "UPDATE issuance SET task = 'x' WHERE seq = 4", MARKED],
    ['that an issuance was not sent', 'UPDATE issuance SET delivered = 0 WHERE seq = 4', /^issuance 4: no event says/],
    ['that another was', 'UPDATE issuance SET delivered = 1 WHERE seq = 8', /^issuance 8: event \d+ says/],
    [
      'an issuance that nobody made',
      'INSERT INTO issuance SELECT 9999, randomblob(16), kind, identity_no, entry_id, authority_id, issued_at, not_before, not_after, asked_ttl_ms, pid, uid, gid, start_time, marks, facts, audiences, delivered, undelivered_reason, revoked_at, salt, revoke_reason, task FROM issuance WHERE seq = 4',
      /^issuances: there are \d+ rows where/,
    ],
    [
      'one without a salt',
      'UPDATE issuance SET salt = NULL WHERE seq = 4',
      /^issuance 4: no event says that it was issued/,
    ],
    ['an issuance that is no more', 'DELETE FROM issuance WHERE seq = 4', /^event \d+: its issuance row is missing/],
    [
      'a selector of an entry',
      `UPDATE entry SET selectors = 'unix:uid:0' WHERE id = 'e1'`,
      /^entry "e1": it is not as event \d+ wrote it: selectors$/,
    ],
    [
      'an entry that is no more',
      `DELETE FROM entry WHERE id = 'e1'`,
      /^entry e1: event \d+ wrote it, and it is not there/,
    ],
    [
      'an entry come back',
      `UPDATE entry SET id = 'gone' WHERE id = 'e1'`,
      /^entry "gone": event \d+ says that it was deleted/,
    ],
    ['an entry that nobody made', `UPDATE entry SET id = 'mine' WHERE id = 'e1'`, /^entry "mine": no event says/],
    [
      'the state of an identity',
      `UPDATE identity SET state = 'suspended' WHERE no = 1`,
      /^identity "spiffe:\/\/td\/a": it is not as event \d+ wrote it: state$/,
    ],
    [
      'a certificate of a bundle',
      'UPDATE bundle_certificate SET certificate = zeroblob(2)',
      /^bundle "other": it is not as/,
    ],
    [
      'what is fixed',
      `UPDATE meta SET value = 'evil' WHERE key = 'trust_domain'`,
      /^meta "trust_domain": it is not as/,
    ],
    ['an authority', `UPDATE authority SET not_after = not_after + 1`, /^authority "x509": it is not as/],
    ['an authority that is no more', 'DELETE FROM authority', /^authority x509: event \d+ wrote it/],
    ['a checkpoint', 'UPDATE checkpoint SET root = zeroblob(32)', /^checkpoint over \d+ events: its columns/],
    [
      'a number that only grows',
      `UPDATE counter SET value = 9999 WHERE name = 'event'`,
      /^event \d+: the log has \d+ events where 9999/,
    ],
  ])('%s', (_, sql, words) => {
    expect(faultsOf(changed(sql))).toContainEqual(expect.stringMatching(words));
  });

  it('one byte in the file, anywhere within an event, an entry or an issuance', () => {
    const file = join(whole, 'assay.db');
    const bytes = readFileSync(file);
    const db = new Database(file, { readonly: true });
    const texts = [
      ...(db.prepare('SELECT payload FROM event_payload WHERE seq < 12').pluck().all() as string[]),
      ...(db.prepare('SELECT facts FROM issuance WHERE seq < 4').pluck().all() as string[]),
    ];
    const blobs = db.prepare('SELECT leaf_hash FROM event WHERE seq % 40 = 0').pluck().all() as Buffer[];
    db.close();
    const needles = [...texts.map((text) => Buffer.from(text)), ...blobs];
    expect(needles.length).toBeGreaterThan(15);
    for (const needle of needles) {
      const dir = changed();
      const copy = readFileSync(join(dir, 'assay.db'));
      // Wherever it stands: pages that were split leave a dead copy behind, which nothing reads.
      let found = 0;
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) found += 1;
      for (let at = copy.indexOf(needle); at >= 0; at = copy.indexOf(needle, at + 1))
        copy[at + 5] = (copy[at + 5] as number) ^ 1;
      writeFileSync(join(dir, 'assay.db'), copy);
      const told = faultsOf(dir).length > 0;
      expect({ needle: needle.toString('latin1'), found: found > 0, told }).toMatchObject({ found: true, told: true });
      rmSync(dir, { recursive: true });
    }
  });
});

describe('B5: a log that is shorter than it was', () => {
  const cut = [
    'DELETE FROM event_payload WHERE seq > 305',
    'DELETE FROM issuance WHERE seq IN (SELECT issuance FROM event WHERE seq > 305)',
    'DELETE FROM event WHERE seq > 305',
    `UPDATE counter SET value = 306 WHERE name = 'event'`,
  ];

  it('is found by the mark, though all that is left fits together', () => {
    expect(faultsOf(changed(...cut))).toContainEqual(
      expect.stringMatching(/^high-water mark: .*306 events in the log where/),
    );
  });

  it('is found by a checkpoint that was kept elsewhere, though mark and checkpoints go along', () => {
    const dir = changed(...cut, 'DELETE FROM checkpoint');
    rmSync(join(dir, 'high-water-mark'));
    writeFileSync(join(dir, 'high-water-mark'), 'change 0\nbundle 0\nissuance 0\n');
    expect(faultsOf(dir)).toEqual([]);
    const { faults } = verified(dir, { outside: [{ row: 'kept', note }] });
    expect(faults).toEqual([
      { row: 'kept', what: expect.stringMatching(/^it is over \d+ events, and the log has 306/) },
    ]);
  });

  it('a checkpoint that was kept and is not of the key that was expected is a fault', () => {
    const other = signerOf('td/assay/00');
    const { faults } = verified(whole, { verifier: other, outside: [{ row: 'kept', note }] });
    expect(faults).toEqual([{ row: 'kept', what: expect.stringContaining('with the key expected') }]);
  });
});

describe('B5: an index that is not what its table holds', () => {
  let dir = '';
  beforeAll(() => {
    dir = changed();
    const db = new Database(join(dir, 'assay.db'));
    db.unsafeMode();
    db.pragma('writable_schema = ON');
    const other = `'CREATE INDEX issuance_not_after ON issuance (not_before)'`;
    db.exec(`UPDATE sqlite_schema SET sql = ${other} WHERE name = 'issuance_not_after'`);
    db.close();
  });
  const named = expect.objectContaining({ row: 'database', what: expect.stringContaining('issuance_not_after') });

  it('is named', () => {
    expect(verified(dir).faults).toContainEqual(named);
  });

  it('is named by a look that leaves the pages to a thread, which says the same of all else', async () => {
    expect(await aside(dir)).toEqual(verified(dir));
    expect(await aside(whole)).toEqual(verified(whole));
    const other = changed(`UPDATE event SET actor = 'uid:7' WHERE seq = 5`);
    expect(await aside(other)).toEqual(verified(other));
  });
});

it('says what is wrong with a file that is no database, whoever looks at its pages', async () => {
  const dir = changed();
  const bytes = readFileSync(join(dir, 'assay.db'));
  writeFileSync(join(dir, 'assay.db'), bytes.fill(0xff, 0, 100));
  await expect(aside(dir)).rejects.toMatchObject({ reason: 'DATABASE_UNUSABLE' });
  await expect(aside(join(dir, 'nothing'))).rejects.toMatchObject({ reason: 'DATABASE_UNUSABLE' });
});

it('says what is wrong with a path that holds no database', () => {
  expect(() => verified(join(top, 'nothing'))).toThrow(expect.objectContaining({ reason: 'DATABASE_UNUSABLE' }));
});
