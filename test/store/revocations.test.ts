// SPDX-License-Identifier: Apache-2.0
/** What was issued is taken back in one step, with its event, and who follows changes is told. */
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/store/records.ts';
import { findStatement } from '../../src/store/sqlite/revocation-commands.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('revocations');
const HOUR = 3_600_000;
let count = 0;

async function world() {
  count += 1;
  const dir = join(top, `data-${count}`);
  const store = await openStore(dir);
  await furnish(store);
  const b = { ...anEntry(), id: 'e2', spiffeId: 'spiffe://td/b', selectors: ['unix:uid:7'] };
  await store.createEntry(b, { ...anIdentity(), spiffeId: 'spiffe://td/b' }, BY);
  const first = anIssuance({ notAfter: NOW + HOUR });
  const second = anIssuance({ notAfter: NOW + HOUR, kind: 'jwt' });
  const expired = anIssuance({ notAfter: NOW });
  const sample = anIssuance({ notAfter: NOW + HOUR, entryId: 'e2', spiffeId: 'spiffe://td/b' });
  const other = { ...sample, decidedOn: { ...sample.decidedOn, entryId: 'e2' } };
  for (const one of [first, second, expired, other]) await store.record(one);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  return { dir, store, first, second, expired, other, changes };
}

const revokedIn = (store: Store): readonly string[] =>
  store.revocations
    .unexpired(NOW)
    .map(({ serial }) => serial)
    .sort();

describe('a revocation', () => {
  it.each([
    [
      'a serial',
      (w: Awaited<ReturnType<typeof world>>) => ({ what: 'serial', serial: w.first.serial }) as const,
      ['first'],
    ],
    ['an entry', () => ({ what: 'entry', entryId: 'e1' }) as const, ['first', 'second']],
    ['an identity', () => ({ what: 'identity', spiffeId: 'spiffe://td/b' }) as const, ['other']],
    [
      'an authority',
      () => ({ what: 'authority', authorityId: anIssuance().authorityId }) as const,
      ['first', 'second', 'other'],
    ],
  ])('of %s takes back all that is valid of it, and nothing else', async (_, scopeOf, expected) => {
    const w = await world();
    const serials = expected.map((name) => w[name as 'first'].serial).sort();
    const revoked = await w.store.revocations.revoke(scopeOf(w), 'key seen', BY, NOW + 5);
    expect(revoked.map(({ serial }) => serial).sort()).toEqual(serials);
    expect(revokedIn(w.store)).toEqual(serials);
    expect(w.changes).toMatchObject([{ kind: 'revocation', by: BY, at: NOW + 5, revoked }]);
    expect(w.store.lastChangeSeq()).toBe(w.changes[0]?.seq);
    const row = w.store.bySerial(serials[0] as string);
    expect([row?.revokedAt, row?.revokeReason]).toEqual([NOW + 5, 'key seen']);
    const event = w.store.audit.events({ kind: 'issue.revoke' }, { limit: 9 }).rows;
    expect(event.map(({ payload }) => JSON.parse(payload?.text ?? ''))).toMatchObject([{ reason: 'key seen' }]);
    await w.store.close();
    const again = await openStore(w.dir);
    expect(revokedIn(again)).toEqual(serials);
  });

  it.each(['serial', 'entry', 'identity', 'authority'] as const)(
    'of one %s reads no rows of long ago: all issuing waits meanwhile',
    async (what) => {
      const { dir, store } = await world();
      await store.close();
      const { default: Database } = await import('better-sqlite3');
      const db = new Database(join(dir, 'assay.db'), { readonly: true });
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${findStatement(what)}`).all('', NOW) as { detail: string }[];
      db.close();
      expect(
        plan.map(({ detail }) => detail).filter((detail) => !/^(SEARCH|SCALAR|REUSE|USE TEMP)/.test(detail)),
      ).toEqual([]);
    },
  );

  it('of what is revoked already, or unknown, or over, changes nothing', async () => {
    const { store, first, expired, changes } = await world();
    await store.revocations.revoke({ what: 'serial', serial: first.serial }, 'once', BY, NOW);
    const before = [changes.length, store.lastChangeSeq(), store.audit.head().size];
    for (const serial of [first.serial, expired.serial, 'ff'])
      expect(await store.revocations.revoke({ what: 'serial', serial }, 'again', BY, NOW)).toEqual([]);
    expect([changes.length, store.lastChangeSeq(), store.audit.head().size]).toEqual(before);
    expect(store.bySerial(first.serial)?.revokeReason).toBe('once');
  });

  it.each(['suspended', 'retired'] as const)(
    'I7: comes with an identity that is %s, in one step and told after it',
    async (state) => {
      const { store, first, second, changes } = await world();
      await store.updateIdentity({ ...anIdentity(), state, stateReason: 'left', revision: 2 }, BY);
      expect(changes).toMatchObject([
        { kind: 'identity', key: 'spiffe://td/a' },
        { kind: 'revocation', key: 'spiffe://td/a' },
      ]);
      expect((changes[1]?.seq ?? 0) - (changes[0]?.seq ?? 0)).toBe(1);
      expect(revokedIn(store)).toEqual([first.serial, second.serial].sort());
      expect(store.bySerial(first.serial)?.revokeReason).toBe(`the identity was ${state}: left`);
    },
  );

  it('does not come with an identity that stays as it is, or is active again', async () => {
    const { store, changes } = await world();
    await store.updateIdentity({ ...anIdentity(), owner: 'else', revision: 2 }, BY);
    expect(changes.map(({ kind }) => kind)).toEqual(['identity']);
    expect(revokedIn(store)).toEqual([]);
  });

  it('B5: verifies, and one that was added or taken away behind our back is named', async () => {
    const { dir, store, first, second } = await world();
    await store.revocations.revoke({ what: 'serial', serial: first.serial }, 'x', BY, NOW);
    await store.close();
    const verify = (): readonly string[] => {
      const files = { databasePath: join(dir, 'assay.db'), markPath: join(dir, 'high-water-mark') };
      return verifyDatabase({ ...files, verifier: undefined, outside: [] }).faults.map(
        ({ row, what }) => `${row}: ${what}`,
      );
    };
    expect(verify()).toEqual([]);
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(join(dir, 'assay.db'));
    const swap = (from: string, to: string): void => {
      db.prepare('UPDATE issuance SET revoked_at = NULL WHERE serial = ?').run(Buffer.from(from, 'hex'));
      db.prepare('UPDATE issuance SET revoked_at = 1 WHERE serial = ?').run(Buffer.from(to, 'hex'));
    };
    swap(first.serial, second.serial);
    expect(verify()).toEqual([
      expect.stringMatching(/^issuance 2: no event says that it was revoked/),
      expect.stringMatching(/^issuance 1: event \d+ says that it was revoked/),
    ]);
    db.close();
  });
});
