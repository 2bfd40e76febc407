// SPDX-License-Identifier: Apache-2.0
/** Sets of policies: one live, one tried beside it, each step with its event, none ever lost. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import type { Change } from '../../src/store/records.ts';
import { verifyDatabase } from '../../src/store/sqlite/verify.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { BY, NOW } from './samples.ts';

const top = tempDir('policies');
let count = 0;

async function world() {
  count += 1;
  const dir = join(top, `data-${count}`);
  const store = await openStore(dir);
  const changes: Change[] = [];
  store.onChanges((told) => void changes.push(...told));
  return { dir, store, changes };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const aSet = (text: string) => ({ hash: sha256(text), schemaHash: sha256('schema'), text });
const [A, B, C] = [aSet('a'), aSet('b'), aSet('c')] as const;
const eventsOf = (store: Store) =>
  store.audit
    .events({ kind: 'policy.' }, { limit: 100 })
    .rows.map(({ kind, payload }) => [kind, (JSON.parse(payload?.text ?? '{}') as { hash?: string }).hash]);
const faults = (dir: string) =>
  verifyDatabase({
    databasePath: join(dir, 'assay.db'),
    markPath: join(dir, 'high-water-mark'),
    verifier: undefined,
    outside: [],
  }).faults.map(({ row, what }) => `${row}: ${what}`);

describe('a set of policies', () => {
  it('becomes live with its event, and is told of', async () => {
    const { store, changes } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    expect(store.policies.live()).toEqual({ ...A, loadedAt: NOW, loadedBy: BY, mode: 'live', leftAt: null });
    expect(changes).toMatchObject([{ kind: 'policy', action: 'put', key: A.hash, seq: store.lastChangeSeq() }]);
    expect(eventsOf(store)).toEqual([['policy.apply', A.hash]]);
    const [event] = store.audit.events({ kind: 'policy.' }, { limit: 1 }).rows;
    expect(JSON.parse(event?.payload?.text ?? '')).toEqual({
      hash: A.hash,
      schema_hash: A.schemaHash,
      text_sha256: sha256('a'),
      loaded_at: NOW,
      loaded_by: BY,
      mode: 'live',
      left_at: null,
    });
  });

  it('takes the place of another, and gives it back', async () => {
    const { store } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    await store.policies.setLive(B, 'apply', A.hash, BY, NOW + 1);
    expect(store.policies.previous()).toMatchObject({ hash: A.hash, mode: 'past', leftAt: NOW + 1 });
    await store.policies.setLive(A, 'rollback', B.hash, BY, NOW + 2);
    expect(store.policies.live()).toMatchObject({ hash: A.hash, loadedAt: NOW + 2, leftAt: null });
    expect(store.policies.previous()).toMatchObject({ hash: B.hash });
    expect(eventsOf(store)).toEqual([
      ['policy.apply', A.hash],
      ['policy.replace', A.hash],
      ['policy.apply', B.hash],
      ['policy.replace', B.hash],
      ['policy.rollback', A.hash],
    ]);
  });

  it('I3: is refused where another is live than was looked at', async () => {
    const { store } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    for (const replaces of [null, B.hash])
      await expect(store.policies.setLive(B, 'apply', replaces, BY, NOW)).rejects.toMatchObject({
        reason: 'REVISION_CONFLICT',
      });
    await expect(store.policies.setLive(A, 'apply', A.hash, BY, NOW)).rejects.toMatchObject({
      reason: 'REVISION_CONFLICT',
    });
    expect(eventsOf(store)).toHaveLength(1);
  });

  it('is tried beside the live one, one at a time', async () => {
    const { store } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    await expect(store.policies.setShadow(A, BY, NOW)).rejects.toMatchObject({ reason: 'POLICY_IS_LIVE' });
    await store.policies.setShadow(B, BY, NOW);
    await store.policies.setShadow(C, BY, NOW);
    expect(store.policies.shadow()).toMatchObject({ hash: C.hash });
    expect(store.policies.get(B.hash)).toMatchObject({ mode: 'past', leftAt: null });
    // Never live, so nothing to go back to.
    expect(store.policies.previous()).toBeUndefined();
    await store.policies.endShadow(BY, NOW);
    expect(store.policies.shadow()).toBeUndefined();
    await expect(store.policies.endShadow(BY, NOW)).rejects.toMatchObject({ reason: 'POLICY_NO_SHADOW' });
    expect(store.policies.live()).toMatchObject({ hash: A.hash });
  });

  it('that is tried becomes live and is no longer tried', async () => {
    const { store, dir } = await world();
    await store.policies.setShadow(B, BY, NOW);
    await store.policies.setLive(B, 'apply', null, BY, NOW + 1);
    expect([store.policies.shadow(), store.policies.live()?.hash]).toEqual([undefined, B.hash]);
    await store.close();
    expect(faults(dir)).toEqual([]);
  });

  it('is there after a restart, and in the list', async () => {
    const { store, dir } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    await store.policies.setShadow(B, BY, NOW);
    await store.close();
    const again = await openStore(dir);
    expect([again.policies.live()?.text, again.policies.shadow()?.text]).toEqual(['a', 'b']);
    const first = again.policies.list({ limit: 1 });
    const second = again.policies.list({ limit: 1, after: first.next as string });
    expect([...first.rows, ...second.rows].map(({ hash }) => hash)).toEqual([A.hash, B.hash].sort());
  });

  it('is kept, unchanged, whoever writes to the file; what gets past that verify finds', async () => {
    const { store, dir } = await world();
    await store.policies.setLive(A, 'apply', null, BY, NOW);
    await store.close();
    const db = new Database(join(dir, 'assay.db'));
    expect(() => db.exec('DELETE FROM policy_set')).toThrow('kept for good');
    expect(() => db.exec("UPDATE policy_set SET text = 'x'")).toThrow('never changes');
    db.exec("DROP TRIGGER policy_set_text; UPDATE policy_set SET text = 'x'");
    db.close();
    expect(faults(dir)).toEqual([expect.stringMatching(/^policy ".*": it is not as event \d+ wrote it: text_sha256$/)]);
  });
});
