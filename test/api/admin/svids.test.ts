// SPDX-License-Identifier: Apache-2.0
/** What was issued, taken back over the wire, on a real store. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AdminBench, adminBench, ROOT } from '../../support/admin-bench.ts';
import { TestFollower, TestProcess } from '../../support/lone.ts';
import { tempDir } from '../../support/temp-dir.ts';

const dir = tempDir('admin-svids');
const REGISTRAR = { uid: 1001, pid: 8, sameNamespaces: true };
const MINE = 'spiffe://example.org/team-a/web';
const OTHER = 'spiffe://example.org/web';
let bench: AdminBench;
let authorityId = '';

beforeAll(async () => {
  bench = await adminBench(dir, {
    roles: [{ role: 'registrar', uid: 1001, spiffeIdPrefix: 'spiffe://example.org/team-a/' }],
  });
  bench.caller = ROOT;
  for (const [id, spiffe_id, uid] of [
    ['mine', MINE, 1000],
    ['other', OTHER, 2000],
  ])
    await bench.call('CreateEntry', { entry: { id, spiffe_id, selectors: [`unix:uid:${uid}`] } });
  for (const uid of [1000, 2000]) {
    const follower = new TestFollower();
    bench.rooms.standings.followX509(new TestProcess(uid, uid), follower);
    await follower.until(1);
  }
  authorityId = bench.rooms.authority.active().authorityId;
});
afterAll(() => bench.close());

const active = async (spiffe_id: string): Promise<string> => {
  for (let at = 0; at < 200; at += 1) {
    const { svids } = await bench.call('ListSvids', { active: true, spiffe_id });
    if (svids.length === 1) return svids[0].serial;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('none was issued');
};

describe('RevokeSvids', () => {
  it('takes back by serial, entry, identity and authority, and says what', async () => {
    bench.caller = ROOT;
    for (const scope of ['serial', 'entry_id', 'spiffe_id', 'authority_id']) {
      const serial = await active(MINE);
      const value = { serial: serial.toUpperCase(), entry_id: 'mine', spiffe_id: MINE, authority_id: authorityId }[
        scope
      ];
      const { count, revoked } = await bench.call('RevokeSvids', { [scope]: value, reason: 'key seen' });
      expect(revoked.map((one: { serial: string }) => one.serial)).toContain(serial);
      expect(Number(count)).toBe(scope === 'authority_id' ? 2 : 1);
      const { svid } = await bench.call('GetSvid', { serial });
      expect([Number(svid.revoked_at) > 0, svid.revoke_reason]).toEqual([true, 'key seen']);
      expect(await active(MINE)).not.toBe(serial);
    }
    const { svids } = await bench.call('ListSvids', { revoked: true, spiffe_id: MINE });
    expect(svids).toHaveLength(4);
  });

  it('refuses what was taken back already, what is not there, and more or less than one thing', async () => {
    bench.caller = ROOT;
    const serial = await active(MINE);
    await bench.call('RevokeSvids', { serial, reason: 'x' });
    const reasons: string[] = [];
    for (const request of [
      { serial },
      { serial: 'ffff' },
      { serial: 'nothing' },
      { spiffe_id: 'spiffe://example.org/none' },
      { authority_id: 'aa' },
      {},
      { serial, entry_id: 'mine' },
    ])
      reasons.push((await bench.refused('RevokeSvids', { ...request, reason: 'x' })).reason);
    expect(reasons).toEqual([
      'SVID_NOT_VALID',
      'SVID_NOT_FOUND',
      'SVID_NOT_FOUND',
      'IDENTITY_NOT_FOUND',
      'AUTHORITY_NOT_FOUND',
      'SCOPE_INVALID',
      'SCOPE_INVALID',
    ]);
    expect((await bench.refused('RevokeSvids', { spiffe_id: MINE })).field).toBe('reason');
    expect((await bench.refused('RevokeSvids', { spiffe_id: MINE, reason: '\u001b[2J' })).field).toBe('reason');
  });

  it('C1: a registrar takes back what is below its prefix, and nothing else', async () => {
    bench.caller = ROOT;
    const [mine, other] = [await active(MINE), await active(OTHER)];
    bench.caller = REGISTRAR;
    for (const request of [{ serial: other }, { entry_id: 'other' }, { spiffe_id: OTHER }])
      expect((await bench.refused('RevokeSvids', { ...request, reason: 'x' })).reason).toBe('OUTSIDE_PREFIX');
    expect((await bench.refused('RevokeSvids', { authority_id: authorityId, reason: 'x' })).reason).toBe(
      'WRITE_NOT_ALLOWED',
    );
    expect((await bench.refused('RevokeSvids', { entry_id: 'deleted', reason: 'x' })).reason).toBe('ENTRY_NOT_FOUND');
    const { count } = await bench.call('RevokeSvids', { serial: mine, reason: 'x' });
    expect(Number(count)).toBe(1);
    bench.caller = ROOT;
    expect(await active(OTHER)).toBe(other);
  });
});
