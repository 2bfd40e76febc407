// SPDX-License-Identifier: Apache-2.0
/** Who may launch what, and on which terms (attacks A12, B3, C1). */
import { describe, expect, it } from '@jest/globals';
import { ACCESS, Authorisation, LAUNCHER_ACCESS } from '../../../src/api/admin/authorisation.ts';
import type { RpcName } from '../../../src/api/admin/wire.ts';
import { LaunchAuthorisation, type LauncherRule } from '../../../src/api/launcher/authorisation.ts';
import { refusalOf } from '../../support/refusal.ts';

const plain = { allowExec: false, allowUidChange: false, children: false, programs: undefined };
const rule = (uid: number, spiffeIdPrefix: string, more: Partial<LauncherRule> = {}): LauncherRule => ({
  ...plain,
  uid,
  spiffeIdPrefix,
  ...more,
});
const rules = [
  rule(1001, 'spiffe://example.org/team-a/'),
  rule(1001, 'spiffe://example.org/team-a/jobs/', { children: true }),
  rule(1001, 'spiffe://example.org/shared/', { programs: ['/usr/bin/pay'] }),
  rule(0, 'spiffe://example.org/dropped/', { allowUidChange: true }),
];
const may = new LaunchAuthorisation({ daemonUid: 0, rules });
const caller = (uid: number, sameNamespaces = true) => ({ uid, pid: 5, sameNamespaces });

describe('the table', () => {
  it('has one row for the launcher, and the launcher no other', () => {
    expect(LAUNCHER_ACCESS).toEqual({ Bind: 'launch below prefix' });
    const admin = new Authorisation({ daemonUid: 0, roles: [] });
    const allowed = (Object.keys(ACCESS) as RpcName[]).filter((rpc) => admin.refusal(rpc, caller(1001)) === undefined);
    expect(allowed).toEqual(['SubmitVote', 'WhoAmI']);
  });
});

describe('a caller', () => {
  it('that is root, or the uid of the daemon, may launch anything, on plain terms', () => {
    const own = new LaunchAuthorisation({ daemonUid: 1000, rules: [] });
    for (const [who, uid] of [
      [may, 0],
      [own, 1000],
      [own, 0],
    ] as const)
      expect(who.allowances(caller(uid), 'spiffe://example.org/any')).toEqual(plain);
  });

  it('gets the terms of the most particular rule that covers the ID', () => {
    expect(may.allowances(caller(1001), 'spiffe://example.org/team-a/x')).toMatchObject({ children: false });
    expect(may.allowances(caller(1001), 'spiffe://example.org/team-a/jobs/x')).toMatchObject({ children: true });
    expect(may.allowances(caller(1001), 'spiffe://example.org/shared/x').programs).toEqual(['/usr/bin/pay']);
    expect(may.allowances(caller(0), 'spiffe://example.org/dropped/x')).toMatchObject({ allowUidChange: true });
    expect(may.allowances(caller(0), 'spiffe://example.org/team-a/jobs/x')).toEqual(plain);
  });

  it.each([
    'spiffe://example.org/team-a',
    'spiffe://example.org/team-ab/x',
    'spiffe://example.org/x/team-a/y',
    'spiffe://other.org/team-a/x',
  ])('A12, C1: may not launch beyond its prefixes: %s', (id) => {
    const refusal = refusalOf(() => may.allowances(caller(1001), id));
    expect(refusal).toMatchObject({ kind: 'permission-denied', reason: 'LAUNCH_OUTSIDE_PREFIX', field: 'spiffe_id' });
    expect(refusal.message).toContain('spiffe://example.org/team-a/');
  });

  it('A12, C1: without a rule may launch nothing, and is told what it would need', () => {
    const refusal = refusalOf(() => may.allowances(caller(1002), 'spiffe://example.org/team-a/x'));
    expect(refusal).toMatchObject({ reason: 'LAUNCH_NOT_ALLOWED', message: 'no rule lets uid 1002 launch anything' });
    expect(refusal.hint).toContain('role: launcher, uid: 1002');
  });

  it.each([0, 1001])('B3, A12: of another namespace may launch nothing, as uid %d', (uid) => {
    const refusal = refusalOf(() => may.allowances(caller(uid, false), 'spiffe://example.org/team-a/x'));
    expect(refusal).toMatchObject({ kind: 'permission-denied', reason: 'CALLER_OUTSIDE' });
  });
});
