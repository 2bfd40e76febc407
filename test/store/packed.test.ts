// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { entriesIn, packEntry, packIdentity, unpackEntry, unpackIdentity } from '../../src/store/packed.ts';
import type { EntryRecord, IdentityRecord } from '../../src/store/records.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, NODE } from './samples.ts';

const top = tempDir('packed');

/** Text as the registry lets through: visible, of any script, never empty. */
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((some) => !/\p{Cc}/u.test(some));
const word = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
const time = fc.integer({ min: 0, max: 253_402_300_799_000 });
const list = <T>(of: fc.Arbitrary<T>, minLength = 0) => fc.uniqueArray(of, { minLength, maxLength: 4 });

const entry: fc.Arbitrary<EntryRecord> = fc.record({
  id: word,
  spiffeId: fc.constant('spiffe://td/a'),
  parentId: fc.constantFrom(NODE, 'spiffe://td/spire/server'),
  selectors: list(
    text.map((value) => `unix:${value}`),
    1,
  ),
  x509TtlSeconds: fc.option(fc.integer({ min: 10, max: 1e9 })),
  jwtTtlSeconds: fc.option(fc.integer({ min: 10, max: 1e9 })),
  dnsNames: list(word),
  federatesWith: list(word),
  hint: fc.oneof(fc.constant(''), text),
  expiresAt: fc.option(time),
  createdAt: time,
  createdBy: text,
  revision: fc.integer({ min: 1, max: 1e9 }),
  claimedAccepted: fc.boolean(),
  admin: fc.boolean(),
  downstream: fc.boolean(),
  storeSvid: fc.boolean(),
  jwtJti: fc.boolean(),
});

const identity: fc.Arbitrary<IdentityRecord> = fc.record({
  spiffeId: fc.constant('spiffe://td/a'),
  owner: text,
  deputy: fc.option(text),
  purpose: fc.option(text),
  kind: fc.constantFrom('service', 'job', 'bot', 'agent', 'legacy'),
  environment: fc.option(text),
  labels: list(fc.tuple(fc.string(), fc.string())).map((pairs) => new Map(pairs)),
  state: fc.constantFrom('draft', 'active', 'suspended'),
  stateReason: fc.option(text),
  stateSince: time,
  expiresAt: time,
  reviewBy: fc.option(time),
  createdAt: time,
  createdBy: text,
  revision: fc.integer({ min: 1, max: 1e9 }),
});

it('rows come out of packed text as they went in', () => {
  fc.assert(fc.property(entry, (one) => expect(unpackEntry(packEntry(one))).toEqual(one)));
  fc.assert(fc.property(identity, (one) => expect(unpackIdentity(packIdentity(one))).toEqual(one)));
});

it('what SQLite packs is what we pack', async () => {
  const samples = fc.sample(fc.tuple(identity, entry), 40);
  const store = await openStore(mkdtempSync(join(top, 'data-')));
  const put: EntryRecord[] = [];
  const identities: IdentityRecord[] = [];
  for (const [i, [who, what]] of samples.entries()) {
    const spiffeId = `spiffe://td/${i}`;
    const [id, record] = [
      { ...who, spiffeId },
      { ...what, spiffeId, id: `${i}` },
    ];
    await store.createEntry(record, id, BY);
    put.push(record);
    identities.push(id);
  }
  const texts = (chunks: Iterable<Buffer>) => [...chunks].map(String).join('\x1e').split('\x1e');
  expect(texts(store.loadEntries())).toEqual(put.map(packEntry));
  expect(texts(store.loadIdentities())).toEqual(identities.map(packIdentity));
  expect([...entriesIn(store.loadEntries())]).toEqual(put);
  await store.close();
});
