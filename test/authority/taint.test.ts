// SPDX-License-Identifier: Apache-2.0
/** Which authority may be tainted and revoked, what that does to slots and bundle, and what outlives a restart or a crash. */
import { describe, expect, it } from '@jest/globals';
import { memoryKeyManager } from '../../src/authority/keys/memory.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { type Bench, HOUR, leafRequest, recorded, restart, slotsOf, startAuthority } from '../support/authority.ts';
import { refusalOfAsync } from '../support/refusal.ts';

const by = 'uid:0';
const keys = () => memoryKeyManager({ random: systemRandom });

/** One old authority, with an SVID of an hour under it, and one that signs. */
async function replaced(
  over: Parameters<typeof startAuthority>[0] = {},
): Promise<Bench & { old: string; now: string }> {
  const bench = await startAuthority(over);
  const leaf = await bench.authority.mintLeaf(leafRequest());
  expect(recorded(bench, leaf)).toBe(true);
  await bench.authority.prepare(by);
  const now = await bench.authority.activate({ now: true, by });
  return { ...bench, old: leaf.authorityId, now };
}

describe('a taint', () => {
  it('BUN-19: marks an old authority, which stays in the bundle, and changes no number', async () => {
    const { authority, clock, old, close } = await replaced();
    const { bundleSequence } = authority.show();
    const bundle = authority.bundle();
    const causes: string[] = [];
    authority.onChange(({ cause }) => causes.push(cause));
    expect(await authority.taint({ id: old, by })).toMatchObject({ id: old, slot: 'old', taintedAt: clock.now() });
    expect(causes).toEqual(['taint']);
    expect(authority.bundle()).toBe(bundle);
    expect(authority.show()).toMatchObject({ bundleSequence });
    expect(authority.distrustedSince(old)).toBe(clock.now());
    expect(authority.distrustedSince(authority.active().authorityId)).toBeUndefined();
    await close();
  });

  it('of one that is unknown is refused, and so is one of none', async () => {
    const { authority, close } = await replaced();
    const refused = await refusalOfAsync(() => authority.taint({ id: 'ab\n', by }));
    expect(refused).toMatchObject({
      kind: 'not-found',
      reason: 'AUTHORITY_NOT_FOUND',
      field: 'authority_id',
      value: '"ab\\n"',
      hint: '`assay authority x509 show` lists them',
    });
    expect(await refusalOfAsync(() => authority.taint({ id: '', by }))).toMatchObject({
      kind: 'invalid-argument',
      reason: 'AUTHORITY_MISSING',
      field: 'authority_id',
    });
    await close();
  });

  it('BUN-18: of the one that signs is refused, and so is its revocation', async () => {
    const { authority, now: id, close } = await replaced();
    for (const ask of [() => authority.taint({ id, by }), () => authority.revoke({ id, force: true, by })]) {
      const refused = await refusalOfAsync(ask);
      expect(refused).toMatchObject({
        kind: 'failed-precondition',
        reason: 'AUTHORITY_ACTIVE',
        field: 'authority_id',
        value: id,
      });
      expect(refused.hint).toContain('assay authority x509 prepare');
    }
    await close();
  });

  it('BUN-18: of one that is prepared is refused, and so is its revocation', async () => {
    const { authority, close } = await replaced();
    const id = await authority.prepare(by);
    for (const ask of [() => authority.taint({ id, by }), () => authority.revoke({ id, force: true, by })])
      expect(await refusalOfAsync(ask)).toMatchObject({ reason: 'AUTHORITY_PREPARED', value: id });
    expect(slotsOf(authority)[id]).toBe('prepared');
    await close();
  });

  it('that was done before is refused, with its instant', async () => {
    const { authority, clock, old, close } = await replaced();
    await authority.taint({ id: old, by });
    const since = new Date(clock.now()).toISOString();
    await clock.advance(1000);
    const refused = await refusalOfAsync(() => authority.taint({ id: old, by }));
    expect(refused).toMatchObject({ reason: 'ALREADY_TAINTED', field: 'authority_id', value: old });
    expect(refused.message).toContain(since);
    expect(refused.hint).toContain(`revoke ${old}`);
    await close();
  });

  it('I8: outlives a restart', async () => {
    const manager = keys();
    const bench = await replaced({ keyManager: manager });
    const at = bench.clock.now();
    await bench.authority.taint({ id: bench.old, by });
    const next = await restart(bench, manager);
    expect(next.authority.distrustedSince(bench.old)).toBe(at);
    expect((await refusalOfAsync(() => next.authority.taint({ id: bench.old, by }))).reason).toBe('ALREADY_TAINTED');
    await next.close();
  });

  it('I8: that could not be written changes nothing', async () => {
    const { authority, store, old, close } = await replaced();
    store.failure = new Error('disk full');
    await expect(authority.taint({ id: old, by })).rejects.toThrow('disk full');
    expect(authority.distrustedSince(old)).toBeUndefined();
    store.failure = undefined;
    await authority.taint({ id: old, by });
    await close();
  });

  it('and a revocation are done also while the clock is behind: they put no date into anything', async () => {
    const { authority, clock, old, close } = await replaced();
    clock.jump(-HOUR);
    await authority.taint({ id: old, by });
    await authority.revoke({ id: old, force: true, by });
    expect(slotsOf(authority)[old]).toBeUndefined();
    await close();
  });
});

describe('a revocation', () => {
  it('BUN-19: of one that is not tainted is refused, also by force', async () => {
    const { authority, old, close } = await replaced();
    const refused = await refusalOfAsync(() => authority.revoke({ id: old, force: true, by }));
    expect(refused).toMatchObject({
      kind: 'failed-precondition',
      reason: 'NOT_TAINTED',
      field: 'authority_id',
      value: old,
    });
    expect(refused.hint).toBe(`run \`assay authority x509 taint ${old}\` first`);
    expect(authority.bundle().certificates).toHaveLength(2);
    await close();
  });

  it('BUN-19: while something it signed is valid needs force, and says who breaks and until when', async () => {
    const { authority, clock, old, close } = await replaced();
    const until = new Date(clock.now() + HOUR).toISOString();
    await authority.taint({ id: old, by });
    const refused = await refusalOfAsync(() => authority.revoke({ id: old, force: false, by }));
    expect(refused).toMatchObject({
      kind: 'failed-precondition',
      reason: 'STILL_IN_USE',
      field: '--force',
      value: old,
    });
    expect(refused.message).toContain(`valid until ${until}`);
    expect(refused.hint).toContain('revoke it at once with --force');
    expect(authority.bundle().certificates).toHaveLength(2);
    await close();
  });

  it('BUN-03: takes it out of the bundle at once, with the next number, and its key with it', async () => {
    const manager = keys();
    const { authority, old, close } = await replaced({ keyManager: manager });
    const { bundleSequence } = authority.show();
    await authority.taint({ id: old, by });
    expect(await manager.list()).toHaveLength(2);
    expect(await authority.revoke({ id: old, force: true, by })).toMatchObject({ id: old });
    expect(authority.bundle().certificates).toHaveLength(1);
    expect(authority.show()).toMatchObject({ bundleSequence: bundleSequence + 1 });
    expect(authority.distrustedSince(old)).toBe(Number.NEGATIVE_INFINITY);
    expect(await manager.list()).toHaveLength(1);
    expect((await refusalOfAsync(() => authority.revoke({ id: old, force: true, by }))).reason).toBe(
      'AUTHORITY_NOT_FOUND',
    );
    await close();
  });

  it('I8: that a crash cuts off before its key is gone is finished at the next start', async () => {
    const manager = keys();
    const bench = await replaced({
      keyManager: { ...manager, remove: () => Promise.reject(new Error('killed')) } as typeof manager,
    });
    await bench.authority.taint({ id: bench.old, by });
    await bench.authority.revoke({ id: bench.old, force: true, by });
    expect(await manager.list()).toHaveLength(2);
    const next = await restart(bench, manager);
    expect(next.authority.bundle().certificates).toHaveLength(1);
    expect(await manager.list()).toHaveLength(1);
    await next.close();
  });
});

it('a tainted authority that nobody revokes leaves the bundle when all it signed has expired', async () => {
  const { authority, clock, old, close } = await replaced();
  await authority.taint({ id: old, by });
  await clock.advance(HOUR);
  expect(slotsOf(authority)[old]).toBe('old');
  await clock.advance(1000);
  expect(slotsOf(authority)[old]).toBeUndefined();
  await close();
});

it('of two that ask at once, one is answered and one is refused', async () => {
  const { authority, old, close } = await replaced();
  const outcomes = await Promise.allSettled([authority.taint({ id: old, by }), authority.taint({ id: old, by })]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await close();
});
