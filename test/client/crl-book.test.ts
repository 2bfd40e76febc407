// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { CrlBook, type Listable } from '../../src/client/crl-book.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { crlOf, TestCa } from '../support/test-ca.ts';

const NOW = Date.now();
const HOUR = 3_600_000;
const [a, b] = [TestCa.create('td-a', { subject: 'same' }), TestCa.create('td-a', { subject: 'same' })];
const leafOf = (ca: TestCa): Listable => parseCertificate(ca.issue('spiffe://td-a/x').der);

function book(...anchors: readonly TestCa[]) {
  const log = new RecordingLogger();
  const crls = new CrlBook(log);
  crls.trust(anchors.map(({ der }) => der));
  return { crls, log };
}

describe('revocation lists that a client has', () => {
  it('WAPI-39: say who is revoked, by authority and serial, also of two authorities with one name', async () => {
    const { crls } = book(a, b);
    const leaf = leafOf(a);
    expect(crls.isRevoked(leaf)).toBe(false);
    expect(crls.take([await crlOf(a, { revoked: [leaf.serial] }), await crlOf(b, {})])).toBe(true);
    expect(crls.isRevoked(leaf)).toBe(true);
    expect(crls.isRevoked({ ...leaf, aki: b.ski })).toBe(false);
    expect(crls.isRevoked({ ...leaf, serial: 'aa' })).toBe(false);
    // A leaf that does not say whose key signed it is held against all of that name.
    expect(crls.isRevoked({ ...leaf, aki: undefined })).toBe(true);
    expect(crls.status(NOW)).toMatchObject({ lists: 2, revoked: 1, stale: false, problem: undefined });
  });

  it('none is nothing revoked', () => {
    const { crls } = book(a);
    expect([crls.isRevoked(leafOf(a)), crls.status(NOW).lists, crls.take([])]).toEqual([false, 0, false]);
  });

  it.each([
    [
      'of an authority that nobody here trusts',
      (leaf: Listable) => crlOf(TestCa.create('td-a'), { revoked: [leaf.serial], number: 9n }),
    ],
    ['signed by another key', (leaf: Listable) => crlOf(a, { revoked: [leaf.serial], number: 9n, by: b })],
    ['that is none', async () => Buffer.from('nothing')],
  ])('WAPI-39: one %s changes nothing, and says why', async (_, forged) => {
    const { crls, log } = book(a);
    const [revoked, free] = [leafOf(a), leafOf(a)];
    crls.take([await crlOf(a, { revoked: [revoked.serial] })]);
    expect(crls.take([await forged(free)])).toBe(false);
    expect([crls.isRevoked(revoked), crls.isRevoked(free)]).toEqual([true, false]);
    expect(crls.status(NOW).problem).toBeDefined();
    expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  it('WAPI-39: an older one does not bring anybody back', async () => {
    const { crls } = book(a);
    const leaf = leafOf(a);
    crls.take([await crlOf(a, { revoked: [leaf.serial], number: 5n })]);
    for (const number of [4n, 5n]) crls.take([await crlOf(a, { number })]);
    expect(crls.isRevoked(leaf)).toBe(true);
    expect(crls.take([await crlOf(a, { number: 6n })])).toBe(false);
    expect(crls.isRevoked(leaf)).toBe(false);
  });

  it('one that is missing from a message stands, until its authority leaves the bundle', async () => {
    const { crls } = book(a, b);
    const leaf = leafOf(a);
    crls.take([await crlOf(a, { revoked: [leaf.serial] })]);
    crls.take([await crlOf(b, {})]);
    expect(crls.isRevoked(leaf)).toBe(true);
    crls.trust([b.der]);
    expect([crls.isRevoked(leaf), crls.status(NOW).lists]).toEqual([false, 1]);
  });

  it('WAPI-39: one that came before its authority counts as soon as that is there', async () => {
    const { crls, log } = book(a);
    const leaf = leafOf(b);
    expect(crls.take([await crlOf(b, { revoked: [leaf.serial] })])).toBe(false);
    expect(crls.status(NOW).problem).toMatch(/no authority of our trust domain/);
    expect(crls.trust([a.der, b.der])).toBe(true);
    expect([crls.isRevoked(leaf), crls.status(NOW).problem]).toEqual([true, undefined]);
    expect(log.lines).toHaveLength(1);
    expect(crls.trust([a.der, b.der])).toBe(false);
  });

  it('WAPI-39: one that came early is forgotten with the message that held it', async () => {
    const { crls } = book(a);
    const leaf = leafOf(b);
    crls.take([await crlOf(b, { revoked: [leaf.serial] })]);
    crls.take([await crlOf(a, {})]);
    expect(crls.trust([a.der, b.der])).toBe(false);
    expect(crls.isRevoked(leaf)).toBe(false);
  });

  it('one that is past its next update counts on, and is an alarm, once', async () => {
    const { crls, log } = book(a);
    const leaf = leafOf(a);
    crls.take([await crlOf(a, { revoked: [leaf.serial], nextUpdate: NOW + HOUR })]);
    crls.lookForStale(NOW + HOUR - 1_000);
    expect(log.lines).toEqual([]);
    for (const later of [2, 3]) crls.lookForStale(NOW + later * HOUR);
    expect(crls.status(NOW + 2 * HOUR)).toMatchObject({ stale: true });
    expect(crls.isRevoked(leaf)).toBe(true);
    expect(log.lines).toHaveLength(1);
    crls.take([await crlOf(a, { number: 2n, revoked: [leaf.serial], nextUpdate: NOW + 4 * HOUR })]);
    crls.lookForStale(NOW + 3 * HOUR);
    crls.lookForStale(NOW + 5 * HOUR);
    expect(log.lines).toHaveLength(2);
  });
});
