// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SvidCertificate } from '../../src/https/svid-certificate.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { type Bench, eventually, HOUR, leafRequest, startAuthority } from '../support/authority.ts';
import { handshake, listen } from './bench.ts';

const ID = 'spiffe://example.org/spire/server';
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(mintMore: () => Promise<void> = async () => undefined) {
  const bench = await startAuthority();
  const { authority, clock } = bench;
  const certificate = await SvidCertificate.open({
    async mint() {
      const leaf = await authority.mintLeaf(
        leafRequest({ entryId: 'https', spiffeId: SpiffeId.parse(ID), ttlMs: HOUR }),
      );
      await mintMore();
      return { ...leaf, chain: [leaf.certificateDer] };
    },
    onSignerChange: (listener) => authority.onChange(({ signerChanged }) => signerChanged && listener()),
    onClockJump: () => () => undefined,
    clock,
    random: systemRandom,
    log: silentLogger,
  });
  closing.push(
    () => bench.close(),
    () => certificate.close(),
  );
  return { ...bench, certificate };
}

const shown = (certificate: SvidCertificate): X509Certificate =>
  new X509Certificate(String(certificate.current()?.cert));

const isTrusted = ({ authority, clock }: Bench, der: Buffer): string =>
  verifySvidChain([der], () => authority.bundle().certificates, clock.now()).spiffeId.toString();

describe('the SVID of the listener', () => {
  it('FED-08: is a valid X.509-SVID of the configured ID, a leaf and no CA', async () => {
    const bench = await opened();
    const { listener, port } = await listen({ certificate: bench.certificate, clock: bench.clock });
    closing.push(() => listener.close());
    const socket = await handshake(port, { rejectUnauthorized: false });
    const peer = socket.getPeerX509Certificate()!;
    expect(isTrusted(bench, peer.raw)).toBe(ID);
    expect(peer.ca).toBe(false);
    socket.destroy();
  });

  it('is renewed at half of its life, and shown in the next handshake', async () => {
    const bench = await opened();
    const first = shown(bench.certificate).serialNumber;
    await bench.clock.advance(0.44 * HOUR);
    expect(shown(bench.certificate).serialNumber).toBe(first);
    await bench.clock.advance(0.12 * HOUR);
    expect(shown(bench.certificate).serialNumber).not.toBe(first);
    expect(isTrusted(bench, shown(bench.certificate).raw)).toBe(ID);
  });

  it('FED-08: is replaced at once when another authority signs', async () => {
    const bench = await opened();
    const before = shown(bench.certificate);
    await bench.authority.prepare('uid:0');
    await bench.authority.activate({ now: true, by: 'uid:0' });
    await eventually(() => shown(bench.certificate).serialNumber !== before.serialNumber);
    expect(shown(bench.certificate).checkIssued(new X509Certificate(bench.authority.active().certificateDer))).toBe(
      true,
    );
  });

  it('FED-08: is under the active authority when the one before is tainted, and trusted when that is revoked', async () => {
    const bench = await opened();
    const before = shown(bench.certificate);
    const old = bench.authority.active().authorityId;
    expect(bench.store.signed(old, bench.clock.now() + HOUR)).toBe(true);
    await bench.authority.prepare('uid:0');
    await bench.authority.activate({ now: true, by: 'uid:0' });
    await eventually(() => shown(bench.certificate).serialNumber !== before.serialNumber);
    await bench.authority.taint({ id: old, by: 'uid:0' });
    await bench.authority.revoke({ id: old, force: true, by: 'uid:0' });
    expect(isTrusted(bench, shown(bench.certificate).raw)).toBe(ID);
  });

  it('FED-08: one that was being minted when the authority changed is replaced as well', async () => {
    let change: (() => Promise<void>) | undefined;
    const bench = await opened(async () => {
      const now = change;
      change = undefined;
      await now?.();
    });
    await bench.authority.prepare('uid:0');
    change = async () => void (await bench.authority.activate({ now: true, by: 'uid:0' }));
    await bench.clock.advance(0.6 * HOUR);
    await eventually(() =>
      shown(bench.certificate).checkIssued(new X509Certificate(bench.authority.active().certificateDer)),
    );
  });

  it('I8: stays while none can be minted, which is tried again', async () => {
    let failing = false;
    const bench = await opened(async () => {
      if (failing) throw new Error('no authority can sign');
    });
    const before = shown(bench.certificate).serialNumber;
    failing = true;
    await bench.clock.advance(0.6 * HOUR);
    expect(shown(bench.certificate).serialNumber).toBe(before);
    failing = false;
    await bench.clock.advance(60_000);
    expect(shown(bench.certificate).serialNumber).not.toBe(before);
  });
});
