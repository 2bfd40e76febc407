// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { Failure } from '../../src/lib/failure.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { Crls } from '../../src/revocation/crls.ts';
import { Revocations } from '../../src/revocation/revocations.ts';
import type { Change } from '../../src/store/records.ts';
import type { RevokedSvid } from '../../src/store/revocations.ts';
import { buildSelfSignedCa, signerOf } from '../../src/x509/ca.ts';
import { parseCrl, verifyCrl } from '../../src/x509/crl-parse.ts';
import type { Signer } from '../../src/x509/types.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLogger } from '../support/recording-logger.ts';

const TD = TrustDomain.parse('example.org');
const HOUR = 3_600_000;

async function signer(): Promise<Signer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { type: 'ec-p256', publicKey, sign: (tbs: Buffer) => sign('sha256', tbs, privateKey) } as const;
  const life = { notBefore: Date.UTC(2029, 0, 1), notAfter: Date.UTC(2031, 0, 1) };
  return signerOf(await buildSelfSignedCa({ trustDomain: TD, key, ...life, random: systemRandom }), key);
}

const open: Crls[] = [];
afterEach(async () => {
  for (const crls of open.splice(0)) await crls.close();
});

async function world(authorities: readonly Signer[]) {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const state = { signers: authorities, slots: authorities.map(({ authorityId: id }) => ({ id, slot: 'active' })) };
  const told = { authority: () => {}, jump: () => {}, changes: (_: readonly Change[]) => {} };
  const changes = {
    onChanges: (listener: (all: readonly Change[]) => void) => {
      told.changes = listener;
      return () => undefined;
    },
  };
  const revocations = new Revocations({ unexpired: [], changes, clock });
  let refusal: Failure | undefined;
  const crls = await Crls.start({
    authority: {
      crlSigners: () => state.signers,
      slots: () => state.slots,
      onChange: (listener) => {
        told.authority = listener;
        return () => undefined;
      },
    },
    revocations,
    refusal: () => refusal,
    onClockJump: (listener) => {
      told.jump = listener;
      return () => undefined;
    },
    lifetimeMs: HOUR,
    clock,
    log,
  });
  open.push(crls);
  let seq = 0;
  const revoke = (by: Signer, change: Partial<RevokedSvid> = {}): string => {
    seq += 1;
    const serial = `a1${seq.toString(16).padStart(6, '0')}`;
    const one: RevokedSvid = {
      serial,
      kind: 'x509',
      spiffeId: `${TD.id}/a`,
      entryId: 'e',
      authorityId: by.authorityId,
      notAfter: clock.now() + HOUR,
      revokedAt: clock.now(),
      ...change,
    };
    told.changes([{ seq, at: 0, by: 'uid:0', kind: 'revocation', action: 'put', key: 'k', revoked: [one] }]);
    return serial;
  };
  const refuse = (failure: Failure | undefined): void => {
    refusal = failure;
  };
  const listed = (by: Signer): readonly string[] => [...parseCrl(crls.of(by.authorityId) as Buffer).revoked.keys()];
  const settle = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await clock.advance(0);
  };
  return { clock, log, crls, revocations, revoke, listed, refuse, settle, told, state };
}

describe('revocation lists', () => {
  it('WAPI-39: there is one of each authority, of its own serials, signed by its own key', async () => {
    const [a, b] = [await signer(), await signer()];
    const { crls, revoke, listed, settle } = await world([a, b]);
    expect(crls.current()).toHaveLength(2);
    const [ofA, ofB] = [revoke(a), revoke(b)];
    await settle(200);
    expect([listed(a), listed(b)]).toEqual([[ofA], [ofB]]);
    for (const one of [a, b]) verifyCrl(parseCrl(crls.of(one.authorityId) as Buffer), one.certificateDer);
  });

  it('holds neither tokens, nor what has expired', async () => {
    const a = await signer();
    const { revoke, listed, settle, clock } = await world([a]);
    revoke(a, { kind: 'jwt' });
    revoke(a, { notAfter: clock.now() - 1 });
    const soon = revoke(a, { notAfter: clock.now() + 1_000 });
    const long = revoke(a);
    await settle(200);
    expect(listed(a)).toEqual([soon, long]);
    await settle(HOUR / 2);
    expect(listed(a)).toEqual([long]);
  });

  it('is signed anew when half of its time is over, with a larger number, and left alone before', async () => {
    const a = await signer();
    const { crls, clock, settle } = await world([a]);
    const first = crls.current();
    await settle(HOUR / 2 - 1);
    expect(crls.current()).toBe(first);
    await settle(1);
    const second = crls.current();
    expect(second).not.toBe(first);
    const [one, two] = [parseCrl(first[0] as Buffer), parseCrl(second[0] as Buffer)];
    expect(two.number).toBeGreaterThan(one.number);
    expect(two.nextUpdate).toBe(clock.now() + HOUR);
    expect(two.thisUpdate).toBeLessThanOrEqual(clock.now());
  });

  it('is signed anew at half of its time, also where that of another authority was signed in between', async () => {
    const [a, b] = [await signer(), await signer()];
    const { crls, revoke, settle } = await world([a, b]);
    const first = crls.of(b.authorityId);
    await settle(HOUR / 2 - 60_000);
    revoke(a);
    await settle(200);
    expect(crls.of(b.authorityId)).toBe(first);
    await settle(60_000);
    expect(crls.of(b.authorityId)).not.toBe(first);
  });

  it('is signed anew at once where the machine slept through half of its time', async () => {
    const a = await signer();
    const { crls, clock, told, settle } = await world([a]);
    const first = crls.of(a.authorityId);
    clock.jump(HOUR);
    told.jump();
    await settle(0);
    expect(crls.of(a.authorityId)).not.toBe(first);
    expect(parseCrl(crls.of(a.authorityId) as Buffer).nextUpdate).toBe(clock.now() + HOUR);
  });

  it('gathers what is revoked within 200 ms, and tells once', async () => {
    const a = await signer();
    const { crls, revoke, settle, listed } = await world([a]);
    let told = 0;
    crls.onChange(() => {
      told += 1;
    });
    for (let at = 0; at < 100; at += 1) revoke(a);
    await settle(199);
    expect(told).toBe(0);
    await settle(1);
    expect([told, listed(a).length]).toEqual([1, 100]);
  });

  it('comes with an authority and goes with it', async () => {
    const [a, b] = [await signer(), await signer()];
    const { crls, state, told, settle } = await world([a]);
    state.signers = [a, b];
    told.authority();
    await settle(0);
    expect(crls.current()).toHaveLength(2);
    state.signers = [b];
    told.authority();
    await settle(0);
    expect([crls.current().length, crls.of(a.authorityId)]).toEqual([1, undefined]);
  });

  it('I8: is not signed while the clock has gone back; health says so, and it goes on by itself', async () => {
    const a = await signer();
    const { crls, revoke, listed, settle, refuse, log } = await world([a]);
    refuse(new Failure('unavailable', 'CLOCK_WENT_BACK', 'the clock went back'));
    const serial = revoke(a);
    await settle(200);
    expect(listed(a)).toEqual([]);
    expect(crls.health()).toMatchObject({ status: 'warn', text: expect.stringContaining('the clock went back') });
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    refuse(undefined);
    await settle(5_000);
    expect(listed(a)).toEqual([serial]);
    expect(crls.health()).toMatchObject({ status: 'ok', text: '1 signed' });
  });

  it('health says that an authority whose key is gone has none', async () => {
    const a = await signer();
    const { crls, state } = await world([a]);
    state.slots = [...state.slots, { id: 'gone', slot: 'old' }, { id: 'next', slot: 'prepared' }];
    expect(crls.health()).toMatchObject({ status: 'warn', text: expect.stringContaining('1 old authorities') });
  });
});

it('what has expired is forgotten after a thousand', async () => {
  const a = await signer();
  const { revocations, revoke, clock } = await world([a]);
  const early = revoke(a, { notAfter: clock.now() + 10 });
  await clock.advance(20);
  expect(revocations.isRevoked(early)).toBe(true);
  for (let at = 0; at < 1_000; at += 1) revoke(a);
  expect(revocations.isRevoked(early)).toBe(false);
});
