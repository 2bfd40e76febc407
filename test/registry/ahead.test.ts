// SPDX-License-Identifier: Apache-2.0
/** What time will bring, and the log lines that say so. */
import { describe, expect, it } from '@jest/globals';
import { MOST_LINES, startAnnouncements } from '../../src/daemon/announcements.ts';
import { Closers } from '../../src/lib/closers.ts';
import { Ahead } from '../../src/registry/ahead.ts';
import { RegistryIndex } from '../../src/registry/registry-index.ts';
import { anIdentity, NOW } from '../store/samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const DAY = 86_400_000;
const SPANS = [30 * DAY, 7 * DAY, DAY];

function indexed() {
  const index = new RegistryIndex('spiffe://td/node', { graceMs: 90 * DAY });
  const put = (name: string, inDays: number, more: object = {}) =>
    index.putIdentity(anIdentity({ spiffeId: `spiffe://td/${name}`, expiresAt: NOW + inDays * DAY, ...more }));
  return { index, ahead: new Ahead(index), put };
}

function announced(clock = new FakeClock(NOW)) {
  const world = indexed();
  const log = new RecordingLogger();
  const closers = new Closers();
  const start = (announceMs: readonly number[] = SPANS) => {
    const lifecycle = { announceMs, graceMs: DAY, legacyMaxTtlMs: DAY };
    startAnnouncements({ lifecycle }, { registry: world, clock, closers, log });
  };
  const said = () =>
    log.lines.splice(0).map(({ level, fields, message }) => {
      const { identity = '', more } = fields as { identity?: string; more?: number };
      return `${level} ${more ?? identity.slice('spiffe://td/'.length)}: ${message}`;
    });
  return { ...world, clock, log, closers, start, said };
}

describe('what is ahead', () => {
  it('is counted within each span, of active identities alone', async () => {
    const { ahead, put } = indexed();
    put('a', 1);
    put('b', 6);
    put('c', 29);
    put('d', 31);
    put('past', 0);
    put('reviewed', 300, { reviewBy: NOW + 3 * DAY });
    put('suspended', -89.5, { state: 'suspended' });
    put('draft', 1, { state: 'draft' });
    put('retired', 1, { state: 'retired' });
    expect(await ahead.counts(NOW, SPANS)).toEqual([4, 3, 1]);
    expect(await ahead.counts(NOW, [])).toEqual([]);
    put('c', 365);
    expect(await ahead.counts(NOW, SPANS)).toEqual([3, 3, 1]);
  });

  it('I9: is found among 100,000 a part at a time, and told in lines that have an end', async () => {
    const { index, put, start, said, closers, clock, ahead } = announced();
    for (let at = 0; at < 100_000; at += 1) put(`many/${at}`, 0.5);
    const held: number[] = [];
    const measured = new Ahead({
      identityAt: (slot) => index.identityAt(slot),
      eachAhead: (...asked) => {
        const before = performance.now();
        const rest = index.eachAhead(...asked);
        held.push(performance.now() - before);
        return rest;
      },
    });
    expect(await measured.counts(clock.now(), SPANS)).toEqual([100_000, 100_000, 100_000]);
    // The main loop may be held for 10 ms; half of the parts, since others use this machine as well.
    expect(held).toHaveLength(10);
    expect(held.sort((a, b) => a - b)[5]).toBeLessThan(10);
    expect((await ahead.passed(-Infinity, clock.now(), SPANS, MOST_LINES)).more).toBe(100_000 - MOST_LINES);
    start();
    let lines: string[] = [];
    for (let at = 0; at < 2_000 && lines.length <= MOST_LINES; at += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      lines = [...lines, ...said()];
    }
    expect(lines).toHaveLength(MOST_LINES + 1);
    expect(lines.at(-1)).toMatch(/^warn 99000: .*assay identity list --expiring 30d$/);
    await closers.close();
  });
});

describe('an announcement', () => {
  it('is one line for each threshold that is passed, and names who answers for it', async () => {
    const { put, start, said, log, clock, closers } = announced();
    put('a', 31, { owner: 'human:alice', deputy: 'human:bob' });
    start();
    await clock.advance(0);
    expect(said()).toEqual([]);
    await clock.advance(DAY);
    expect(log.lines[0]?.fields).toEqual({
      identity: 'spiffe://td/a',
      owner: 'human:alice',
      deputy: 'human:bob',
      expires: new Date(NOW + 31 * DAY).toISOString(),
    });
    expect(said()).toEqual(['warn a: an identity ends within 30d']);
    await clock.advance(DAY);
    clock.jump(21 * DAY);
    await clock.advance(DAY);
    expect(said()).toEqual(['warn a: an identity ends within 7d']);
    clock.jump(6 * DAY);
    await clock.advance(2 * DAY);
    expect(said()).toEqual(['warn a: an identity ends within 24h']);
    await closers.close();
    expect(clock.pending).toBe(0);
  });

  it('is made once by each start of what is ahead, of the nearest threshold, and not again when the clock went back', async () => {
    const { put, start, said, clock, closers } = announced();
    put('a', 5);
    put('b', 300, { reviewBy: NOW + 0.5 * DAY });
    start();
    await clock.advance(0);
    const first = ['warn a: an identity ends within 7d', 'warn b: an identity is to be reviewed within 24h'];
    expect(said()).toEqual(first);
    await clock.advance(10 * 60_000);
    clock.jump(-DAY);
    await clock.advance(10 * 60_000);
    expect(said()).toEqual([]);
    await closers.close();
    const again = announced(clock);
    again.put('a', 5);
    again.put('b', 300, { reviewBy: NOW + 0.5 * DAY });
    again.start();
    await clock.advance(0);
    expect(again.said()).toHaveLength(2);
    await again.closers.close();
  });

  it('is not made of an identity that was renewed, nor where none is wanted', async () => {
    const { put, start, said, clock, closers } = announced();
    put('a', 31);
    start();
    put('a', 365);
    await clock.advance(2 * DAY);
    expect(said()).toEqual([]);
    await closers.close();
    const none = announced();
    none.put('a', 1);
    none.start([]);
    await none.clock.advance(DAY / 2);
    expect(none.said()).toEqual([]);
  });
});
