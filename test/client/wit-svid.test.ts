// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BundleSource } from '../../src/client/bundle-source.ts';
import { readWitSvids, type WitSvid } from '../../src/client/wit-svid.ts';
import { validateWitSvid } from '../../src/client/wit-trust.ts';
import type { WireWitSvid } from '../../src/client/workload-api.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { renderJwks } from '../../src/jwt/key.ts';
import { newHolderKey } from '../../src/jwt/wit-key.ts';
import { mintWitSvid } from '../../src/jwt/wit-mint.ts';
import { FakeWorkloadApi } from '../support/fake-workload-api.ts';
import { newJwtKey } from '../support/jwt-keys.ts';
import { refusalOf, refusalOfAsync } from '../support/refusal.ts';

const NOW = Date.UTC(2030, 0, 1);
const WEB = 'spiffe://td-a/web';
const key = newJwtKey('ES256', 'w1');

async function minted(id = WEB, hint = ''): Promise<WireWitSvid> {
  const { publicJwk, privateJwk } = await newHolderKey('ec-p256', false);
  const wit_svid = await mintWitSvid({
    alg: 'ES256',
    kid: 'w1',
    sign: key.sign,
    spiffeId: SpiffeId.parse(id),
    confirms: publicJwk,
    issuedAt: NOW,
    notBefore: NOW - 10_000,
    expiresAt: NOW + 3_600_000,
  });
  return { spiffe_id: id, wit_svid, wit_svid_key: privateJwk, hint };
}

const read = (svids: readonly WireWitSvid[], asked = '', now = NOW): readonly WitSvid[] =>
  readWitSvids({ svids }, asked, now);
const faultOf = (svids: readonly WireWitSvid[], asked = '', now = NOW): string => {
  const failure = refusalOf(() => read(svids, asked, now));
  expect(failure.reason).toBe('WORKLOAD_API_MESSAGE_INVALID');
  for (const { wit_svid_key: secret } of svids)
    if (secret.length > 8) expect(`${failure.message}${inspect(failure)}`).not.toContain(secret.slice(8));
  return failure.message;
};

describe('an answer of FetchWITSVID', () => {
  it('is read in its order, the default identity first, each with a key that signs', async () => {
    const wire = [await minted(), await minted('spiffe://td-a/db', 'inside')];
    const svids = read(wire);
    expect(svids.map(({ spiffeId, hint, token, alg }) => [`${spiffeId}`, hint, token, alg])).toEqual([
      [WEB, '', wire[0]?.wit_svid, 'ES256'],
      ['spiffe://td-a/db', 'inside', wire[1]?.wit_svid, 'ES256'],
    ]);
    expect((await svids[0]?.signer.sign(Buffer.from('x')))?.length).toBe(64);
  });

  it('CLI-01: that is empty is refused', () => {
    expect(faultOf([])).toContain('svids: it is empty');
  });

  it('WAPI-38, WAPI-31, CLI-16: with one bad token or key is refused whole', async () => {
    const [good, other] = [await minted(), await minted()];
    expect(faultOf([good, { ...good, wit_svid: '' }])).toContain('svids[1].wit_svid');
    expect(faultOf([good, { ...good, wit_svid_key: '' }])).toContain('svids[1].wit_svid_key');
    expect(faultOf([good, { ...good, wit_svid_key: other.wit_svid_key }])).toContain(
      'not the key that the token names',
    );
    expect(faultOf([good, { ...good, spiffe_id: '' }])).toContain('svids[1].spiffe_id');
  });

  it('WIT-05, WAPI-23: of another identity than it says, or than was asked for, is refused', async () => {
    const wire = await minted();
    expect(faultOf([{ ...wire, spiffe_id: 'spiffe://td-a/db' }])).toContain('not a token of spiffe://td-a/db');
    expect(faultOf([wire], 'spiffe://td-a/db')).toContain('not the one that was asked for');
    expect(read([wire], WEB)).toHaveLength(1);
  });

  it('I5: with an expired token is refused', async () => {
    expect(faultOf([await minted()], '', NOW + 3_600_000)).toContain('it has expired');
  });

  it('CLI-08: with one hint twice: the first one counts', async () => {
    const wire = [await minted(WEB, 'h'), await minted('spiffe://td-a/db', 'h')];
    expect(read(wire).map(({ spiffeId }) => `${spiffeId}`)).toEqual([WEB]);
  });

  it('I10: its key does not show when what holds it is printed', async () => {
    const wire = await minted();
    const [svid] = read([wire]);
    const { d } = JSON.parse(wire.wit_svid_key) as { d: string };
    expect(`${inspect(svid, { depth: 9, showHidden: true })} ${JSON.stringify(svid)}`).not.toContain(d);
  });
});

describe('validateWitSvid', () => {
  const closing: { close(): void }[] = [];
  afterEach(() => {
    for (const one of closing.splice(0).reverse()) one.close();
  });

  const sourceOf = async (bundles: Record<string, string>): Promise<BundleSource> => {
    const api = await FakeWorkloadApi.start((stream) => stream.send({ bundles }));
    const source = await BundleSource.open({ socket: api.uri, kinds: ['wit'] });
    closing.push(api, source);
    return source;
  };

  it('WIT-14, WIT-17: wants a key of the trust domain and a proof by the holder', async () => {
    const source = await sourceOf({ 'spiffe://td-a': renderJwks([key], 'wit-svid').toString() });
    const [svid] = read([await minted()]);
    const input = Buffer.from('this request');
    const signature = (await svid?.signer.sign(input)) as Buffer;
    const prove = (signed: Buffer) =>
      validateWitSvid(svid?.token as string, {
        source,
        now: NOW,
        provesPossession: (holder) => holder.signed(signed, signature),
      });
    expect(`${(await prove(input)).spiffeId}`).toBe(WEB);
    expect((await refusalOfAsync(() => prove(Buffer.from('another request')))).reason).toBe('WIT_NOT_PROVEN');
  });

  it('WAPI-36, WIT-17: takes no JWT bundle for its own', async () => {
    const source = await sourceOf({ 'spiffe://td-a': renderJwks([key]).toString() });
    const [svid] = read([await minted()]);
    const options = { source, now: NOW, provesPossession: () => true };
    expect((await refusalOfAsync(() => validateWitSvid(svid?.token as string, options))).reason).toBe('JWT_UNTRUSTED');
    expect(source.jwtKeysOf('td-a')).toBeUndefined();
  });
});
