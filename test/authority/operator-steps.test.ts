// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { HOUR, leafRequest, MINUTE, recorded, startAuthority } from '../support/authority.ts';

const by = 'uid:0';

describe('an operator', () => {
  it('prepares a CA ahead of the schedule; it is in the bundle and signs nothing yet', async () => {
    const { authority, close } = await startAuthority();
    const active = authority.active().authorityId;
    const id = await authority.prepare(by);
    expect(authority.slots().map((one) => [one.id, one.slot])).toEqual([
      [active, 'active'],
      [id, 'prepared'],
    ]);
    expect(authority.bundle().certificates).toHaveLength(2);
    expect(authority.active().authorityId).toBe(active);
    await close();
  });

  it('prepares no second one', async () => {
    const { authority, close } = await startAuthority();
    const id = await authority.prepare(by);
    await expect(authority.prepare(by)).rejects.toMatchObject({
      kind: 'failed-precondition',
      reason: 'ALREADY_PREPARED',
      value: id,
    });
    await close();
  });

  it('activates none that is not prepared', async () => {
    const { authority, close } = await startAuthority();
    await expect(authority.activate({ now: true, by })).rejects.toMatchObject({
      kind: 'failed-precondition',
      reason: 'NOT_PREPARED',
      hint: expect.stringContaining('assay authority x509 prepare'),
    });
    await close();
  });

  it('I6: activates none before its lead is over, and learns who would break and until when', async () => {
    const { authority, clock, close } = await startAuthority();
    await authority.prepare(by);
    await clock.advance(8 * HOUR - 1);
    const refusal: unknown = await authority.activate({ now: false, by }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ kind: 'failed-precondition', reason: 'NOT_YET_ANNOUNCED', field: '--now' });
    expect((refusal as Error).message).toContain(
      'federated trust domains and other consumers that poll it (told to every 300s)',
    );
    expect((refusal as { hint: string }).hint).toBe(
      'wait until 2030-01-01T08:00:00.000Z, or activate it at once with --now',
    );
    await clock.advance(1);
    const id = await authority.activate({ now: false, by });
    expect(authority.active().authorityId).toBe(id);
    await close();
  });

  it('I6: activates one at once with --now; the old root stays while its SVIDs are valid', async () => {
    const bench = await startAuthority();
    const { authority, clock, close } = bench;
    const leaf = await authority.mintLeaf(leafRequest({ ttlMs: 20 * MINUTE }));
    expect(recorded(bench, leaf)).toBe(true);
    await authority.prepare(by);
    const id = await authority.activate({ now: true, by });
    expect(authority.active().authorityId).toBe(id);
    expect(authority.slots().find((one) => one.id === leaf.authorityId)?.slot).toBe('old');
    expect(authority.health().state).toBe('warning');
    await clock.advance(20 * MINUTE);
    expect(authority.bundle().certificates).toHaveLength(2);
    await clock.advance(1000);
    expect(authority.bundle().certificates).toHaveLength(1);
    await close();
  });

  it('sees the slots, what comes next, and when', async () => {
    const { authority, clock, close } = await startAuthority();
    const start = clock.now();
    expect(authority.show()).toMatchObject({
      authorities: [{ slot: 'active', keyHeld: true, keyType: 'ec-p256' }],
      planned: [{ what: 'prepare', id: undefined, at: start + 12 * HOUR }],
      bundleSequence: 1,
      refreshHintSeconds: 300,
      caTtlMs: 24 * HOUR,
      health: { state: 'ok' },
    });
    await clock.advance(12 * HOUR);
    expect(authority.show().planned).toEqual([{ what: 'activate', id: expect.any(String), at: start + 20 * HOUR }]);
    await close();
  });

  it('of two that ask at once, one is answered and one is refused', async () => {
    const { authority, close } = await startAuthority();
    const outcomes = await Promise.allSettled([authority.prepare(by), authority.prepare(by)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(authority.slots()).toHaveLength(2);
    await close();
  });
});
