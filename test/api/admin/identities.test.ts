// SPDX-License-Identifier: Apache-2.0
/** Identities and people over the admin API: what a registrar may, and what its prefix does not cover. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('identities');
const OWN = 'spiffe://example.org/team-a/web';
const OTHER = 'spiffe://example.org/team-b/web';
const REGISTRAR = { ...ROOT, uid: 1001 };
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir, {
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' }],
  });
  await bench.call('AddHuman', { name: 'alice', teams: ['a'] });
  for (const spiffe_id of [OWN, OTHER]) await bench.call('CreateIdentity', { spiffe_id, owner: 'human:alice' });
});
afterAll(() => bench.close());

async function asRegistrar<T>(ask: () => Promise<T>): Promise<T> {
  bench.caller = REGISTRAR;
  try {
    return await ask();
  } finally {
    bench.caller = ROOT;
  }
}

describe('a registrar', () => {
  it.each([
    ['SuspendIdentity', { reason: 'x' }],
    ['ResumeIdentity', {}],
    ['ActivateIdentity', {}],
    ['RenewIdentity', { owner: 'mallory' }],
    ['UpdateIdentity', { fields: ['owner'], owner: 'mallory' }],
    ['RetireIdentity', { reason: 'x' }],
    ['CreateIdentity', {}],
  ] as const)('C1: does not get %s of what is not below its prefix', async (rpc, request) => {
    const other = rpc === 'CreateIdentity' ? `${OTHER}/new` : OTHER;
    const refused = await asRegistrar(() => bench.refused(rpc, { spiffe_id: other, ...request }));
    expect([refused.kind, refused.reason]).toEqual(['permission-denied', 'OUTSIDE_PREFIX']);
    expect((await bench.call('GetIdentity', { spiffe_id: OTHER })).identity).toMatchObject({
      owner: 'human:alice',
      state: 'active',
      revision: 1,
    });
  });

  it.each([
    ['AddHuman', { name: 'eve' }],
    ['UpdateHuman', { name: 'alice', fields: ['teams'] }],
    ['DeactivateHuman', { name: 'alice', reason: 'x' }],
    ['AddHumanKey', { name: 'alice', key: 'x' }],
    ['RemoveHumanKey', { name: 'alice', fingerprint: 'x' }],
  ] as const)('C1: does not get %s: who people are is beyond any prefix', async (rpc, request) => {
    const refused = await asRegistrar(() => bench.refused(rpc, request));
    expect([refused.kind, refused.reason]).toEqual(['permission-denied', 'WRITE_NOT_ALLOWED']);
    expect((await bench.call('ListHumans')).humans).toMatchObject([{ name: 'alice', active: true, teams: ['a'] }]);
  });

  it('gives what is its own another owner and a new end in one step', async () => {
    const { identity, owner_who_left } = await asRegistrar(() =>
      bench.call('RenewIdentity', { spiffe_id: OWN, owner: 'team:a' }),
    );
    expect([identity.owner, identity.revision, owner_who_left]).toEqual(['team:a', 2, '']);
  });
});

describe('people', () => {
  it('are changed field by field; what a team leaves behind is suspended, and the deputy takes it over', async () => {
    const spiffe_id = `${OWN}/team`;
    const entry = { spiffe_id, selectors: ['unix:uid:1'] };
    const review_by = Date.now() + 86_400_000;
    const made = await bench.call('CreateEntry', { entry, owner: 'team:a', deputy: 'human:alice', review_by });
    expect(made.identity).toMatchObject({ owner: 'team:a', deputy: 'human:alice', review_by });
    const fields = ['email', 'teams'];
    const left = await bench.call('UpdateHuman', { name: 'alice', fields, email: 'a@example.org', teams: ['b'] });
    expect(left).toMatchObject({ human: { email: 'a@example.org', teams: ['b'] }, suspended_count: 2 });
    expect(left.suspended.map((one: { readonly spiffe_id: string }) => one.spiffe_id)).toEqual([OWN, spiffe_id]);
    const { identity, owner_who_left } = await bench.call('RenewIdentity', { spiffe_id });
    expect([identity.owner, identity.state, owner_who_left]).toEqual(['human:alice', 'active', 'team:a']);
    const none = await bench.call('UpdateHuman', { name: 'alice', fields, email: '', teams: [] });
    expect([none.human.email, none.human.teams]).toEqual(['', []]);
    expect((await bench.refused('UpdateHuman', { name: 'alice', fields: ['name'] })).reason).toBe('WORD_INVALID');
    expect((await bench.refused('UpdateHuman', { name: 'nobody', fields })).reason).toBe('HUMAN_NOT_FOUND');
  });
});
