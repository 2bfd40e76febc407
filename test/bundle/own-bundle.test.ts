// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ownBundle } from '../../src/bundle/own-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { AuthorityRecord, AuthoritySlot } from '../../src/store/records.ts';

const td = TrustDomain.parse('example.org');
const HOUR = 3_600_000;

function record(id: string, slot: AuthoritySlot, preparedAt: number, ttl = 24 * HOUR): AuthorityRecord {
  return {
    id,
    kind: 'x509',
    slot,
    published: Buffer.from(`certificate ${id}`),
    keyRef: id,
    keyType: 'ec-p256',
    notBefore: preparedAt,
    notAfter: preparedAt + ttl,
    preparedAt,
    activatedAt: null,
    oldAt: null,
    taintedAt: null,
    lastSvidNotAfter: 0,
    revision: 1,
  };
}

describe('our own bundle', () => {
  const [old, active, prepared] = [record('b', 'old', 1), record('c', 'active', 2), record('a', 'prepared', 3)];

  it('holds the certificates of old, active and prepared authorities, oldest first, and their bytes back to back', () => {
    const bundle = ownBundle(td, [prepared, active, old]);
    expect(bundle.certificates.map(String)).toEqual(['certificate b', 'certificate c', 'certificate a']);
    expect(bundle.der.toString()).toBe('certificate bcertificate ccertificate a');
    expect(bundle).toMatchObject({ trustDomain: td });
  });

  it('CLI-07: is the same whatever order the store gives, and whatever slot each is in', () => {
    const moved = [record('c', 'old', 2), record('a', 'active', 3), record('b', 'old', 1)];
    expect(ownBundle(td, moved)).toEqual(ownBundle(td, [old, active, prepared]));
  });

  it('CLI-07: has one order even for authorities of the same instant', () => {
    const [x, y] = [record('x', 'old', 1), record('y', 'active', 1)];
    expect(ownBundle(td, [y, x])).toEqual(ownBundle(td, [x, y]));
  });

  it('CLI-21: is never empty', () => {
    expect(() => ownBundle(td, [])).toThrow(expect.objectContaining({ kind: 'internal', reason: 'OWN_BUNDLE_EMPTY' }));
  });
});
