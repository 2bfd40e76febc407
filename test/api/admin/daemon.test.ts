// SPDX-License-Identifier: Apache-2.0
/** Health, clock, authority, SVIDs, identities and who is asking, over the wire. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Check } from '../../../src/telemetry/check.ts';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin');
let checks: Check[] = [];
let bench: AdminBench;

beforeAll(async () => {
  bench = await adminBench(dir, {
    health: async () => checks,
    doctor: async () => {
      throw new Error('canary: /var/secret');
    },
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/a/' }],
  });
});
afterAll(() => bench.close());

const check = (status: Check['status']): Check => ({ name: 'x', status, text: 't' });

describe('GetHealth', () => {
  it.each([
    ['green', [check('ok')]],
    ['yellow', [check('ok'), check('warn')]],
    ['red', [check('warn'), check('fail'), check('ok')]],
  ])('is %s', async (status, now) => {
    checks = now;
    const health = await bench.call('GetHealth');
    expect(health).toMatchObject({ status, trust_domain: 'example.org', version: '0.0.0', started_at: 1_000 });
    expect(health.checks).toHaveLength(now.length);
  });
});

describe('an unexpected error', () => {
  it('I10: reaches the log, and the caller as one fixed sentence', async () => {
    const failure = await bench.refused('GetDoctor');
    expect(failure).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
    expect(failure.message).not.toContain('canary');
    expect(bench.log.lines.at(-1)).toMatchObject({
      level: 'error',
      fields: { rpc: 'GetDoctor', err: expect.any(Error) },
    });
  });
});

describe('WhoAmI', () => {
  it.each([
    ['root', ROOT, { may_read: true, may_write: 'everything', refusal: '' }],
    ['a registrar', { ...ROOT, uid: 1001 }, { may_read: true, may_write: 'below_prefixes' }],
    ['anybody', { ...ROOT, uid: 5 }, { may_read: false, may_write: 'nothing' }],
    ['root of a container', { ...ROOT, sameNamespaces: false }, { may_read: false, may_write: 'nothing' }],
  ])('tells %s', async (_, caller, expected) => {
    bench.caller = caller;
    const seen = await bench.call('WhoAmI');
    bench.caller = ROOT;
    expect(seen).toMatchObject({ ...expected, uid: caller.uid, pid: 7, daemon_uid: 0, daemon_pid: 99 });
    if (!seen.may_read) expect(seen.refusal).not.toBe('');
  });
});

describe('the authority', () => {
  it('shows what signs, and what comes next', async () => {
    const view = await bench.call('GetAuthorities');
    expect(view.authorities).toMatchObject([{ slot: 'active', kind: 'x509', key_type: 'ec-p256', key_held: true }]);
    expect(view.authorities[0]).not.toHaveProperty('old_at');
    expect(view).toMatchObject({ bundle_sequence: 2, refresh_hint_seconds: 300, ca_ttl_ms: 86_400_000 });
    expect(view.planned).toMatchObject([{ what: 'prepare', authority_id: '' }]);
  });

  it('I6: is not activated before its announcement is over, unless told now', async () => {
    expect((await bench.refused('ActivateAuthority')).reason).toBe('NOT_PREPARED');
    const { authority } = await bench.call('PrepareAuthority');
    expect(authority.slot).toBe('prepared');
    expect((await bench.refused('PrepareAuthority')).reason).toBe('ALREADY_PREPARED');
    expect((await bench.refused('ActivateAuthority')).reason).toBe('NOT_YET_ANNOUNCED');
    const { authority: active } = await bench.call('ActivateAuthority', { now: true });
    expect(active).toMatchObject({ id: authority.id, slot: 'active' });
    expect((await bench.call('GetAuthorities')).bundle_sequence).toBeGreaterThan(1);
  });
});

describe('AcceptClock', () => {
  it('answers with the time that was seen and the time that holds', async () => {
    const before = Date.now();
    const { was, now } = await bench.call('AcceptClock');
    expect(now).toBeGreaterThanOrEqual(before);
    expect(was).toBeLessThanOrEqual(now);
  });
});

describe('identities', () => {
  const spiffe_id = 'spiffe://example.org/who';

  it('are suspended with a reason, and resumed', async () => {
    await bench.call('CreateEntry', { entry: { spiffe_id, selectors: ['unix:uid:1'] } });
    const { identity } = await bench.call('SuspendIdentity', { spiffe_id, reason: 'left the team' });
    expect(identity).toMatchObject({ state: 'suspended', state_reason: 'left the team', revision: 2 });
    const { identities } = await bench.call('ListIdentities', { state: 'suspended' });
    expect(identities).toMatchObject([{ spiffe_id }]);
    const until = Date.now() + 86_400_000;
    const { identity: again } = await bench.call('ResumeIdentity', { spiffe_id, expires_at: until });
    expect(again).toMatchObject({ state: 'active', state_reason: '', expires_at: until });
    expect((await bench.call('ListIdentities', { expires_before: until + 1 })).identities).toMatchObject([
      { spiffe_id },
    ]);
    expect((await bench.call('ListIdentities', { expires_before: until - 1 })).identities).toEqual([]);
  });

  it.each([
    ['no reason', { spiffe_id, reason: '' }, 'TEXT_INVALID'],
    ['a reason that turns text around', { spiffe_id, reason: 'a\u202eb' }, 'TEXT_INVALID'],
    ['an identity that is not there', { spiffe_id: 'spiffe://example.org/none', reason: 'x' }, 'IDENTITY_NOT_FOUND'],
  ])('are not suspended with %s', async (_, request, reason) => {
    expect((await bench.refused('SuspendIdentity', request)).reason).toBe(reason);
    expect((await bench.call('GetIdentity', { spiffe_id })).identity.state).toBe('active');
  });

  it('are not listed by a state that is none', async () => {
    expect((await bench.refused('ListIdentities', { state: '__proto__' })).reason).toBe('WORD_INVALID');
  });
});

describe('SVIDs', () => {
  it('that were never issued are NOT_FOUND', async () => {
    expect(await bench.refused('GetSvid', { serial: '00:AB' })).toMatchObject({ kind: 'not-found', value: '"00:AB"' });
    expect((await bench.call('ListSvids', { active: true })).svids).toEqual([]);
  });
});
