// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { verifySvidChain } from '../../src/x509/verify.ts';
import { HOUR, leafRequest, MINUTE, startAuthority, td } from '../support/authority.ts';

describe('an SVID', () => {
  it.each(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'] as const)(
    'of a CA of type %s verifies against the own bundle',
    async (keyType) => {
      const { authority, clock, close } = await startAuthority({ keyType });
      const leaf = await authority.mintLeaf(leafRequest());
      const { certificates } = authority.bundle();
      const { spiffeId } = verifySvidChain(
        [leaf.chainDer],
        (of) => (of.equals(td) ? certificates : undefined),
        clock.now(),
      );
      expect(spiffeId.toString()).toBe('spiffe://example.org/web');
      await close();
    },
  );

  it('tells who signed it, what was asked, and what was given', async () => {
    const { authority, clock, close } = await startAuthority();
    const leaf = await authority.mintLeaf(leafRequest({ ttlMs: HOUR }));
    expect(leaf).toMatchObject({
      authorityId: authority.active().authorityId,
      issuedAt: clock.now(),
      askedTtlMs: HOUR,
      notAfter: clock.now() + HOUR,
      cutShortBy: undefined,
    });
    await close();
  });

  it('X509-28: begins 10 s ago', async () => {
    const { authority, clock, close } = await startAuthority();
    const leaf = await authority.mintLeaf(leafRequest());
    expect(new X509Certificate(leaf.certificateDer).validFromDate.getTime()).toBe(clock.now() - 10_000);
    await close();
  });

  it('X509-28: ends with its CA where that ends sooner', async () => {
    const bench = await startAuthority();
    const { authority, clock, close, store } = bench;
    // Rotation is kept from happening, so that the CA comes to its last five minutes.
    store.failure = new Error('disk full');
    await clock.advance(24 * HOUR - 5 * MINUTE);
    const leaf = await authority.mintLeaf(leafRequest({ ttlMs: HOUR }));
    const end = authority.slots()[0]!.notAfter;
    expect(leaf.notAfter).toBe(end);
    expect(leaf.cutShortBy).toBe(end);
    expect(end - clock.now()).toBe(5 * MINUTE);
    await close();
  });

  it('I5: ends with the entry or identity that ends first, and says so', async () => {
    const { authority, clock, close } = await startAuthority();
    const [entry, identity] = [clock.now() + 20 * MINUTE, clock.now() + 10 * MINUTE];
    const leaf = await authority.mintLeaf(leafRequest({ caps: [entry, identity] }));
    expect(leaf).toMatchObject({ notAfter: identity, cutShortBy: identity });
    await close();
  });

  it('I5: lives a sixth of ca.ttl where more was stored before ca.ttl was lowered', async () => {
    const { authority, clock, close } = await startAuthority({ caTtlMs: HOUR });
    const leaf = await authority.mintLeaf(leafRequest({ ttlMs: 4 * HOUR }));
    expect(leaf).toMatchObject({ notAfter: clock.now() + 10 * MINUTE, askedTtlMs: 4 * HOUR, cutShortBy: undefined });
    await close();
  });

  it('X509-31: has a key of its own each time', async () => {
    const { authority, close } = await startAuthority();
    const [a, b] = [await authority.mintLeaf(leafRequest()), await authority.mintLeaf(leafRequest())];
    expect(a.spki.equals(b.spki)).toBe(false);
    expect(a.privateKeyPkcs8.equals(b.privateKeyPkcs8)).toBe(false);
    expect(a.serial).not.toBe(b.serial);
    await close();
  });
});

describe('no SVID', () => {
  it('I5: is made for an entry that has ended', async () => {
    const { authority, clock, close } = await startAuthority();
    const ended = authority.mintLeaf(leafRequest({ caps: [clock.now()] }));
    await expect(ended).rejects.toMatchObject({ kind: 'failed-precondition', reason: 'SVID_WOULD_BE_EXPIRED' });
    await close();
  });

  it('ID-18: is made for another trust domain', async () => {
    const { authority, close } = await startAuthority();
    const foreign = authority.mintLeaf(leafRequest({ spiffeId: SpiffeId.parse('spiffe://other.org/web') }));
    await expect(foreign).rejects.toMatchObject({ reason: 'SPIFFE_ID_INVALID' });
    await close();
  });

  it('I8: is made while the clock is behind; then it is again', async () => {
    const { authority, clock, guard, close } = await startAuthority();
    await authority.mintLeaf(leafRequest());
    clock.jump(-HOUR);
    await expect(authority.mintLeaf(leafRequest())).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'CLOCK_BEHIND',
    });
    await guard.accept();
    await expect(authority.mintLeaf(leafRequest())).resolves.toMatchObject({ issuedAt: clock.now() });
    await close();
  });

  it('is made by a CA that has expired', async () => {
    const { authority, clock, store, close } = await startAuthority();
    store.failure = new Error('disk full');
    await clock.advance(24 * HOUR);
    await expect(authority.mintLeaf(leafRequest())).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'AUTHORITY_EXPIRED',
    });
    await close();
  });
});
