// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import type { Node } from '../../src/x509/asn1.ts';
import * as asn1 from '../../src/x509/asn1.ts';
import { leafExtensions, leafSubject } from '../../src/x509/profile.ts';
import { elementsOf } from './rebuild.ts';

const spiffeId = SpiffeId.parse('spiffe://example.org/web');
const isSanCritical = (subject: Node): boolean => {
  const san = leafExtensions({ spiffeId, dnsNames: [], subject }, Buffer.alloc(20), Buffer.alloc(20)).at(-1)!;
  return elementsOf(asn1.encode(san)).length === 3;
};

it('X509-04: the SAN is critical when the subject is empty, and only then', () => {
  expect(isSanCritical(asn1.sequence())).toBe(true);
  expect(isSanCritical(leafSubject([]))).toBe(false);
  expect(isSanCritical(leafSubject(['a.example']))).toBe(false);
});
