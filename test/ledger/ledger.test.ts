// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { Ledger } from '../../src/ledger/ledger.ts';
import { openStore } from '../store/opened.ts';
import { anIssuance, BY, furnish, NOW } from '../store/samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { tempDir } from '../support/temp-dir.ts';

const top = tempDir('ledger');
const DAY = 86_400_000;

async function openLedger(retentionMs = 30 * DAY) {
  const [clock, log] = [new FakeClock(NOW), new RecordingLogger()];
  const store = await openStore(mkdtempSync(join(top, 'data-')), { clock, log, synchronous: 'OFF' });
  await furnish(store);
  const ledger = new Ledger({ store, clock, log, retentionMs });
  return { ledger, store, clock, log };
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; !done(); i += 1) {
    if (i > 500) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('I3: a row is there when record resolves, and says later that it was not sent', async () => {
  const { ledger } = await openLedger();
  const issuance = anIssuance();
  expect(await ledger.record(issuance)).toEqual({ seq: 1 });
  expect(ledger.bySerial(issuance.serial)).toMatchObject({ seq: 1, delivered: true });
  await ledger.markUndelivered(1, 'gone');
  expect(ledger.list({}, { limit: 10 }).rows).toMatchObject([{ delivered: false, undeliveredReason: 'gone' }]);
  expect(ledger.highWater).toBe(1);
  ledger.close();
});

it('rows leave by themselves when the retention after their expiry has passed', async () => {
  const { ledger, clock, log } = await openLedger(30 * DAY);
  await ledger.record(anIssuance({ notAfter: NOW + 1000 }));
  await ledger.record(anIssuance({ notAfter: NOW + DAY }));
  const removed = () => log.lines.filter((line) => line.message === 'old issuance rows were removed');
  clock.jump(30 * DAY);
  await clock.advance(3_600_000 - 1);
  expect(removed()).toEqual([]);
  expect(ledger.list({}, { limit: 10 }).rows).toHaveLength(2);
  await clock.advance(1);
  await until(() => removed().length === 1);
  expect(ledger.list({}, { limit: 10 }).rows.map((row) => row.seq)).toEqual([2]);
  expect(ledger.highWater).toBe(2);
  ledger.close();
});

it('a sweep that fails is tried again and harms nobody', async () => {
  const { ledger, store, clock, log } = await openLedger();
  await store.close();
  await clock.advance(3_600_000);
  await until(() => log.lines.some((line) => line.level === 'warn'));
  ledger.close();
  await clock.advance(2 * 3_600_000);
  expect(log.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
});

it('the last changes stay for cursors that were away', async () => {
  const { ledger, store } = await openLedger();
  await store.deleteEntry('e1', BY, NOW);
  expect(await ledger.sweep()).toEqual({ issuances: 0, changes: 0 });
  ledger.close();
});
