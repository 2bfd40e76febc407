// SPDX-License-Identifier: Apache-2.0
/** Who may do what: every RPC for every sort of caller (attacks B3, C1). */
import { describe, expect, it } from '@jest/globals';
import { ACCESS, type AdminCaller, Authorisation } from '../../../src/api/admin/authorisation.ts';
import type { RpcName } from '../../../src/api/admin/wire.ts';
import { refusalOf } from '../../support/refusal.ts';

const RPCS = Object.keys(ACCESS) as RpcName[];
const WRITES: readonly RpcName[] = [
  'CreateEntry',
  'UpdateEntry',
  'DeleteEntry',
  'SuspendIdentity',
  'ResumeIdentity',
  'RevokeSvids',
  'CreateIdentity',
  'UpdateIdentity',
  'ActivateIdentity',
  'RenewIdentity',
  'RetireIdentity',
  'SetBundle',
  'DeleteBundle',
  'SetBundleMap',
  'CreateFederation',
  'RefreshFederation',
  'DeleteFederation',
  'PrepareAuthority',
  'ActivateAuthority',
  'TaintAuthority',
  'RevokeAuthority',
  'AcceptClock',
  'RedactEvent',
  'CloseFinding',
  'EndTask',
  'AddHuman',
  'UpdateHuman',
  'DeactivateHuman',
  'AddHumanKey',
  'AskKeyStatement',
  'VouchHumanKey',
  'RemoveHumanKey',
  'PutTarget',
  'RetireTarget',
  'ApplyPolicy',
  'RollbackPolicy',
  'ShadowPolicy',
  'RequestGrant',
  'RevokeGrant',
];
const REGISTRAR_WRITES: readonly RpcName[] = WRITES.slice(0, 11);

const roles = [
  { role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' },
  { role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/shared/' },
] as const;
const caller = (uid: number, sameNamespaces = true): AdminCaller => ({ uid, pid: 5, sameNamespaces });
const asRootDaemon = new Authorisation({ daemonUid: 0, roles });
const asUserDaemon = new Authorisation({ daemonUid: 1000, roles: [] });

const allowed = (may: Authorisation, who: AdminCaller): RpcName[] =>
  RPCS.filter((rpc) => may.refusal(rpc, who) === undefined);

describe('the table', () => {
  it('has a row for each RPC that changes something, and nothing else may', () => {
    expect(RPCS.filter((rpc) => ACCESS[rpc].startsWith('write'))).toEqual(expect.arrayContaining([...WRITES]));
    expect(RPCS.filter((rpc) => ACCESS[rpc].startsWith('write'))).toHaveLength(WRITES.length);
    expect(RPCS.filter((rpc) => ACCESS[rpc] === 'anyone')).toEqual(['WhoAmI']);
    expect(RPCS.filter((rpc) => ACCESS[rpc] === 'signed')).toEqual(['SubmitVote']);
  });
});

describe('a caller', () => {
  it('that is root may do everything with a daemon of root', () => {
    expect(allowed(asRootDaemon, caller(0))).toEqual(RPCS);
  });

  it('B3: that is root in other namespaces may only learn why not', () => {
    expect(allowed(asRootDaemon, caller(0, false))).toEqual(['WhoAmI']);
    const refusal = asRootDaemon.refusal('ListEntries', caller(0, false));
    expect(refusal).toMatchObject({ kind: 'permission-denied', reason: 'CALLER_OUTSIDE' });
    expect(refusal?.hint).toContain('on the host');
  });

  it('that is a registrar may read, and write what has a SPIFFE ID', () => {
    const expected = RPCS.filter((rpc) => !WRITES.includes(rpc) || REGISTRAR_WRITES.includes(rpc));
    expect(allowed(asRootDaemon, caller(1001))).toEqual(expected);
    expect(asRootDaemon.refusal('SetBundle', caller(1001))?.message).toContain('SetBundle needs root');
  });

  it('C1: that has no role may do nothing but hand in what somebody signed, and is told what it would need', () => {
    expect(allowed(asRootDaemon, caller(1002))).toEqual(['SubmitVote', 'WhoAmI']);
    expect(asRootDaemon.refusal('ListEntries', caller(1002))).toMatchObject({
      reason: 'READ_NOT_ALLOWED',
      message: expect.stringContaining('ListEntries needs root, or a role'),
      hint: expect.stringContaining('give uid 1002 a role'),
    });
    expect(asRootDaemon.refusal('CreateEntry', caller(1002))).toMatchObject({
      reason: 'WRITE_NOT_ALLOWED',
      message: expect.stringContaining('the role registrar for a prefix of the SPIFFE ID'),
    });
  });

  it('B3: that is root may nothing with a daemon of another uid, and that uid everything', () => {
    expect(allowed(asUserDaemon, caller(1000))).toEqual(RPCS);
    expect(allowed(asUserDaemon, caller(0))).toEqual(['SubmitVote', 'WhoAmI']);
    expect(asUserDaemon.refusal('ListEntries', caller(0))?.hint).toBe('run the command as uid 1000');
    expect(allowed(asUserDaemon, caller(1000, false))).toEqual(['WhoAmI']);
  });

  it('is described by mayWrite as it is', () => {
    expect(asRootDaemon.mayWrite(caller(0))).toBe('everything');
    expect(asRootDaemon.mayWrite(caller(0, false))).toBe('nothing');
    expect(asRootDaemon.mayWrite(caller(1001))).toBe('below_prefixes');
    expect(asRootDaemon.mayWrite(caller(1002))).toBe('nothing');
  });
});

describe('a registrar’s prefix', () => {
  it.each(['spiffe://example.org/team-a/x', 'spiffe://example.org/team-a/x/y', 'spiffe://example.org/shared/db'])(
    'covers %s',
    (id) => {
      expect(() => asRootDaemon.assertMayWrite(caller(1001), id)).not.toThrow();
    },
  );

  it.each([
    'spiffe://example.org/team-a',
    'spiffe://example.org/team-ab/x',
    'spiffe://example.org/team-b/x',
    'spiffe://example.org/x/team-a/y',
    'spiffe://other.org/team-a/x',
    'spiffe://example.org',
    '',
  ])('C1: does not cover %j', (id) => {
    const refusal = refusalOf(() => asRootDaemon.assertMayWrite(caller(1001), id));
    expect(refusal).toMatchObject({ kind: 'permission-denied', reason: 'OUTSIDE_PREFIX', field: 'spiffe_id' });
    expect(refusal.message).toContain('spiffe://example.org/team-a/, spiffe://example.org/shared/');
  });
});
