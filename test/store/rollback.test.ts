// SPDX-License-Identifier: Apache-2.0
/** Attack B5: a database that has gone back is refused at start. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { FakeClock } from '../support/fake-clock.ts';
import { refusalOfAsync } from '../support/refusal.ts';
import { tempDir } from '../support/temp-dir.ts';
import { openStore } from './opened.ts';
import { anAuthority, anEntry, anIdentity, anIssuance, BY, furnish, NOW } from './samples.ts';

const top = tempDir('rollback');
let count = 0;

function freshDir(): string {
  count += 1;
  return join(top, `data-${count}`);
}

function markIn(dir: string): string {
  return readFileSync(join(dir, 'high-water-mark'), 'utf8');
}

/** Without the root of the tree, which differs each time. */
function numbersIn(dir: string): string {
  return markIn(dir).replace(/root [0-9a-f]{64}\n$/, '');
}

it('B5: the main database file without its -wal is refused, naming both numbers and what to do', async () => {
  const [dir, copy] = [freshDir(), freshDir()];
  const store = await openStore(dir);
  await furnish(store);
  await Promise.all(Array.from({ length: 100 }, () => store.record(anIssuance())));
  expect(statSync(join(dir, 'assay.db-wal')).size).toBeGreaterThan(0);
  mkdirSync(copy, { mode: 0o700 });
  copyFileSync(join(dir, 'assay.db'), join(copy, 'assay.db'));
  await store.close();
  copyFileSync(join(dir, 'high-water-mark'), join(copy, 'high-water-mark'));
  const refused = await refusalOfAsync(() => openStore(copy));
  expect([refused.kind, refused.reason]).toEqual(['failed-precondition', 'ROLLED_BACK']);
  expect(refused.message).toContain('change sequence 0 where 3 was reached');
  expect(refused.message).toContain('bundle sequence 0 where 1 was reached');
  expect(refused.message).toContain('issuance sequence 0 where 100 was reached');
  expect(refused.hint).toContain('assay audit accept-rollback');
  // Nothing was changed by looking: the same is said again.
  expect((await refusalOfAsync(() => openStore(copy))).reason).toBe('ROLLED_BACK');
});

it('B5: an older copy of the whole database is refused beside a newer mark', async () => {
  const dir = freshDir();
  const first = await openStore(dir);
  await furnish(first);
  await first.close();
  cpSync(join(dir, 'assay.db'), join(top, 'older.db'));
  const second = await openStore(dir);
  await second.record(anIssuance());
  await second.close();
  cpSync(join(top, 'older.db'), join(dir, 'assay.db'));
  const refused = await refusalOfAsync(() => openStore(dir));
  expect(refused.message).toContain('issuance sequence 0 where 1 was reached');
  expect(refused.message).not.toContain('change sequence');
});

it('B5: data without its mark is refused, an empty database is not', async () => {
  const dir = freshDir();
  const store = await openStore(dir);
  await store.close();
  rmSync(join(dir, 'high-water-mark'));
  const empty = await openStore(dir);
  await empty.createEntry(anEntry(), anIdentity(), BY);
  await empty.close();
  rmSync(join(dir, 'high-water-mark'));
  const refused = await refusalOfAsync(() => openStore(dir));
  expect([refused.reason, refused.value]).toEqual(['ROLLED_BACK', join(dir, 'high-water-mark')]);
});

it.each(['', 'change 1\n', 'change 1\nbundle 1\nissuance x\n', 'change 99999999999999999\nbundle 0\nissuance 0\n'])(
  'B5: a mark that cannot be read is no mark: %j',
  async (text) => {
    const dir = freshDir();
    await (await openStore(dir)).close();
    writeFileSync(join(dir, 'high-water-mark'), text, { mode: 0o600 });
    expect((await refusalOfAsync(() => openStore(dir))).reason).toBe('MARK_UNREADABLE');
  },
);

it('B5: the mark is written with each step of an authority, else once a second and at close', async () => {
  const [dir, clock] = [freshDir(), new FakeClock()];
  const store = await openStore(dir, { clock });
  expect(numbersIn(dir)).toBe('change 0\nbundle 0\nissuance 0\n');
  await store.createEntry(anEntry(), anIdentity(), BY);
  expect(numbersIn(dir)).toBe('change 0\nbundle 0\nissuance 0\n');
  await clock.advance(1000);
  await store.deleteEntry('nope', BY, NOW).catch(() => {});
  expect(numbersIn(dir)).toBe('change 2\nbundle 0\nissuance 0\nevent 3\n');
  await store.replaceAuthorities('x509', [anAuthority()], new Map(), 'aa', BY, NOW);
  expect(numbersIn(dir)).toBe('change 3\nbundle 1\nissuance 0\nevent 4\n');
  await store.record(anIssuance());
  await store.close();
  expect(numbersIn(dir)).toBe('change 3\nbundle 1\nissuance 1\nevent 5\n');
  expect(statSync(join(dir, 'high-water-mark')).mode & 0o777).toBe(0o600);
  expect(existsSync(join(dir, 'high-water-mark.new'))).toBe(false);
});

it('B5: a database ahead of the mark, as after a crash, is served', async () => {
  const [dir, clock] = [freshDir(), new FakeClock()];
  const store = await openStore(dir, { clock });
  const early = markIn(dir);
  await store.createEntry(anEntry(), anIdentity(), BY);
  await store.close();
  writeFileSync(join(dir, 'high-water-mark'), early);
  const again = await openStore(dir);
  expect(again.lastChangeSeq()).toBe(2);
  await again.close();
  expect(numbersIn(dir)).toBe('change 2\nbundle 0\nissuance 0\nevent 3\n');
});

it('B5: a log whose beginning is another than the one that was written is refused, though no number is lower', async () => {
  const dir = freshDir();
  const store = await openStore(dir);
  await furnish(store);
  await store.close();
  const mark = markIn(dir);
  const [, size = '', root = ''] = /event (\d+)\nroot ([0-9a-f]{64})/.exec(mark) ?? [];
  writeFileSync(
    join(dir, 'high-water-mark'),
    mark.replace(
      root,
      root.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    ),
  );
  const refused = await refusalOfAsync(() => openStore(dir));
  expect([refused.reason, refused.message]).toEqual([
    'ROLLED_BACK',
    expect.stringContaining(`the first ${size} events of the log are not those that were written`),
  ]);
  writeFileSync(join(dir, 'high-water-mark'), mark.replace(`event ${size}`, `event ${Number(size) + 1}`));
  const shorter = await refusalOfAsync(() => openStore(dir));
  expect(shorter.message).toContain(`${size} events in the log where ${Number(size) + 1} were reached`);
  writeFileSync(join(dir, 'high-water-mark'), mark);
  await (await openStore(dir)).close();
});
