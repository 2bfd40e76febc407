// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ClockGuard } from '../../src/authority/clock-guard.ts';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import {
  HOUR,
  leafRequest,
  MINUTE,
  memoryAcceptances,
  recorded,
  restart,
  slotsOf,
  startAuthority,
  untimed,
} from '../support/authority.ts';
import { MemoryAuthorityStore } from '../support/memory-authority-store.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const random = systemRandom;

describe('the first start', () => {
  it('I6: publishes a CA and signs with it at once, logged as an unannounced root that surprises nobody', async () => {
    const log = new RecordingLogger();
    const { authority, close } = await startAuthority({ log });
    expect(authority.slots().map(({ slot }) => slot)).toEqual(['active']);
    expect(authority.show().bundleSequence).toBe(1);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'info', fields: expect.objectContaining({ unannounced: true }) }),
    ]);
    expect(authority.health()).toEqual({ state: 'ok', reasons: [] });
    await close();
  });

  it('that cannot write a CA down fails with the reason, and leaves no key', async () => {
    const keyManager = memoryKeyManager({ random });
    const store = new MemoryAuthorityStore();
    store.failure = new Error('disk full');
    await expect(startAuthority({ store, keyManager })).rejects.toThrow('disk full');
    expect(await keyManager.list()).toEqual([]);
  });
});

describe('a journal that someone else has written to', () => {
  it('I6: is read again, and the step decided anew', async () => {
    const { authority, clock, store, close } = await startAuthority();
    const [active] = store.loadAuthorities();
    const touched = { ...active!, revision: active!.revision + 1 };
    await store.replaceAuthorities('x509', [touched], new Map([[active!.id, active!.revision]]));
    await expect(authority.prepare('uid:0')).rejects.toMatchObject({ kind: 'aborted', reason: 'REVISION_CONFLICT' });
    expect(authority.slots()).toEqual([touched]);
    await authority.prepare('uid:0');
    await clock.advance(0);
    expect(authority.slots().map(({ slot }) => slot)).toEqual(['active', 'prepared']);
    await close();
  });
});

describe('a restart with keys in memory', () => {
  it('I6: makes an unannounced root, keeps the old one until its last SVID has expired, and says so', async () => {
    const first = await startAuthority();
    recorded(first, await first.authority.mintLeaf(leafRequest({ ttlMs: 30 * MINUTE })));
    const log = new RecordingLogger();
    const second = await restart(first, memoryKeyManager({ random }), { log });
    expect(Object.values(slotsOf(second.authority)).sort()).toEqual(['active', 'old']);
    expect(second.authority.show().bundleSequence).toBe(2);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ unannounced: true }) }),
    );
    expect(second.authority.health().state).toBe('warning');
    await second.clock.advance(30 * MINUTE + 1000);
    expect(Object.values(slotsOf(second.authority))).toEqual(['active']);
    await second.close();
  });

  it('keeps nothing of a CA that signed nothing', async () => {
    let bench = await startAuthority();
    for (let i = 0; i < 20; i += 1) bench = await restart(bench, memoryKeyManager({ random }));
    expect(bench.authority.slots()).toHaveLength(1);
    await bench.close();
  });

  it('I9: makes no more roots once the bundle is full, says when it goes on, and serves the bundle meanwhile', async () => {
    let bench = await startAuthority();
    for (let i = 0; i < 127; i += 1) {
      recorded(bench, await bench.authority.mintLeaf(leafRequest()));
      bench = await restart(bench, memoryKeyManager({ random }));
    }
    recorded(bench, await bench.authority.mintLeaf(leafRequest()));
    bench = await restart(bench, memoryKeyManager({ random }));
    expect(bench.authority.bundle().certificates).toHaveLength(128);
    expect(bench.authority.health()).toMatchObject({
      state: 'failing',
      reasons: [expect.anything(), expect.stringContaining('may hold 128')],
    });
    expect(() => bench.authority.active()).toThrow(
      expect.objectContaining({ kind: 'unavailable', reason: 'NO_ACTIVE_AUTHORITY' }),
    );
    await expect(bench.authority.mintLeaf(leafRequest())).rejects.toMatchObject({ reason: 'NO_ACTIVE_AUTHORITY' });
    await bench.clock.advance(HOUR + MINUTE);
    expect(bench.authority.active()).toBeDefined();
    await bench.close();
  });
});

describe('a start with a clock that is behind the store', () => {
  it('I8: serves the bundle, issues nothing, and makes no CA until the clock is accepted', async () => {
    const first = await startAuthority();
    recorded(first, await first.authority.mintLeaf(leafRequest()));
    await first.close();
    const { clock, store } = first;
    const guard = new ClockGuard({
      clock: untimed(clock),
      storedLatest: clock.now() + HOUR,
      acceptances: memoryAcceptances(),
      log: silentLogger,
    });
    const second = await startAuthority({ clock, store, guard });
    expect(second.authority.bundle().certificates).toHaveLength(1);
    await expect(second.authority.mintLeaf(leafRequest())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(second.authority.health().state).toBe('failing');
    await guard.accept();
    await clock.advance(0);
    await second.authority.mintLeaf(leafRequest());
    await second.close();
  });
});
