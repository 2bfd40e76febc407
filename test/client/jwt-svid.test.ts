// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JwtSvid, readJwtSvids } from '../../src/client/jwt-svid.ts';
import type { WireJwtSvid } from '../../src/client/workload-api.ts';
import { JwtDaemon, MINUTE, WEB } from '../support/jwt-daemon.ts';
import { refusalOf } from '../support/refusal.ts';

let daemon: JwtDaemon;
beforeAll(async () => {
  daemon = await JwtDaemon.start();
});
afterAll(() => daemon.close());

const read = (svids: readonly WireJwtSvid[], audience = ['a'], spiffe_id = ''): readonly JwtSvid[] =>
  readJwtSvids({ svids }, { audience, spiffe_id }, daemon.clock.now());
const faultOf = (svids: readonly WireJwtSvid[], audience = ['a'], spiffe_id = ''): string => {
  const failure = refusalOf(() => read(svids, audience, spiffe_id));
  expect(failure.reason).toBe('WORKLOAD_API_MESSAGE_INVALID');
  for (const { svid } of svids) if (svid !== '') expect(`${failure.message}${inspect(failure)}`).not.toContain(svid);
  return failure.message;
};

describe('an answer of FetchJWTSVID', () => {
  it('is read in its order, the default identity first', async () => {
    const wire = [await daemon.mint(WEB, ['a']), await daemon.mint('spiffe://td-a/db', ['a'], 'inside')];
    expect(read(wire).map(({ spiffeId, hint, token }) => [`${spiffeId}`, hint, token])).toEqual([
      [WEB, '', wire[0]!.svid],
      ['spiffe://td-a/db', 'inside', wire[1]!.svid],
    ]);
  });

  it('CLI-01: that is empty is refused', () => {
    expect(faultOf([])).toContain('svids: it is empty');
  });

  it('WAPI-38: with one bad token is refused whole', async () => {
    const good = await daemon.mint(WEB, ['a']);
    expect(faultOf([good, { ...good, svid: '' }])).toContain('svids[1].svid');
    expect(faultOf([good, { ...good, spiffe_id: '' }])).toContain('svids[1].spiffe_id');
    expect(faultOf([good, { ...good, svid: `${good.svid}\n` }])).toContain('svids[1].svid');
  });

  it('CLI-12: whose token lacks an audience that was asked for is refused', async () => {
    expect(faultOf([await daemon.mint(WEB, ['b'])])).toContain('another audience');
    expect(faultOf([await daemon.mint(WEB, ['a', 'c'])], ['a', 'b'])).toContain('lacks an audience');
  });

  it('JWT-06: whose token is of another identity than it says is refused', async () => {
    expect(faultOf([{ ...(await daemon.mint(WEB, ['a'])), spiffe_id: 'spiffe://td-a/db' }])).toContain(
      'not a token of spiffe://td-a/db',
    );
  });

  it('WAPI-23: with another identity than was asked for is refused', async () => {
    const wire = [await daemon.mint(WEB, ['a'])];
    expect(read(wire, ['a'], WEB)).toHaveLength(1);
    expect(faultOf(wire, ['a'], 'spiffe://td-a/db')).toContain('not the one that was asked for');
  });

  it('I5: with an expired token is refused', async () => {
    const wire = await daemon.mint(WEB, ['a']);
    await daemon.clock.advance(5 * MINUTE);
    expect(faultOf([wire])).toContain('it has expired');
  });

  it('CLI-08: with one hint twice: the first one counts', async () => {
    const wire = [await daemon.mint(WEB, ['a'], 'h'), await daemon.mint('spiffe://td-a/db', ['a'], 'h')];
    expect(read(wire).map(({ spiffeId }) => `${spiffeId}`)).toEqual([WEB]);
  });

  it('I10: a token does not show when what holds it is printed', async () => {
    const [svid] = read([await daemon.mint(WEB, ['a'])]);
    const shown = `${inspect(svid, { depth: 9, showHidden: true, getters: false })} ${JSON.stringify(svid)} ${svid}`;
    expect(svid!.token.length).toBeGreaterThan(100);
    expect(shown).not.toContain(svid!.token.split('.')[1]);
  });
});
