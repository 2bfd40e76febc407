// SPDX-License-Identifier: Apache-2.0
/**
 * What our certificates hold: names and extensions, as X509-SVID and RFC 5280 want them. `docs/certificates.md`
 * says the same in words.
 */
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { Node } from './asn1.ts';
import * as asn1 from './asn1.ts';
import * as OID from './oids.ts';

/** RFC 5280 appendix A.1, ub-common-name. */
const COMMON_NAME_MAX = 64;

/** `O=Assay`, and the first DNS name as `CN` for verifiers that still look there. */
export function leafSubject(dnsNames: readonly string[]): Node {
  const organization = attribute(OID.ORGANIZATION, asn1.utf8('Assay'));
  const first = dnsNames[0];
  if (first === undefined || first.length > COMMON_NAME_MAX) return asn1.sequence(organization);
  return asn1.sequence(organization, attribute(OID.COMMON_NAME, asn1.utf8(first)));
}

/** Unique for each CA, so that a chain is never built through the wrong one of two with equal names. */
export function caSubject(serial: Buffer): Node {
  const unique = attribute(OID.SERIAL_NUMBER, asn1.printable(serial.toString('hex')));
  return asn1.sequence(attribute(OID.ORGANIZATION, asn1.utf8('Assay')), unique);
}

export interface LeafNames {
  readonly spiffeId: SpiffeId;
  readonly dnsNames: readonly string[];
  readonly subject: Node;
}

/** X509-01 to X509-08, X509-29. */
export function leafExtensions(names: LeafNames, ski: Buffer, aki: Buffer): Node[] {
  let sanCritical = false;
  // guard: X509-04 test/x509/profile.test.ts — RFC 5280 4.2.1.6: an empty subject leaves the SAN alone to name it
  if (names.subject.value.length === 0) sanCritical = true;
  return [
    // guard: X509-05 test/x509/leaf.test.ts — critical
    extension(OID.KEY_USAGE, true, asn1.namedBits(0x80, 1)),
    extension(OID.EXT_KEY_USAGE, false, asn1.sequence(asn1.oid(OID.SERVER_AUTH), asn1.oid(OID.CLIENT_AUTH))),
    extension(OID.BASIC_CONSTRAINTS, true, asn1.sequence()),
    extension(OID.SUBJECT_KEY_ID, false, asn1.octets(ski)),
    extension(OID.AUTHORITY_KEY_ID, false, asn1.sequence(asn1.taggedBytes(0, aki))),
    extension(OID.SUBJECT_ALT_NAME, sanCritical, subjectAltName(names.spiffeId, names.dnsNames)),
  ];
}

/** X509-09 to X509-11, X509-29. A root's own key identifier needs no repeating as AKI (RFC 5280 section 4.2.1.1). */
export function caExtensions(id: SpiffeId, ski: Buffer): Node[] {
  return [
    extension(OID.KEY_USAGE, true, asn1.namedBits(0x06, 7)),
    extension(OID.BASIC_CONSTRAINTS, true, asn1.sequence(asn1.boolean(true))),
    extension(OID.SUBJECT_KEY_ID, false, asn1.octets(ski)),
    extension(OID.SUBJECT_ALT_NAME, false, subjectAltName(id, [])),
  ];
}

function subjectAltName(id: SpiffeId, dnsNames: readonly string[]): Node {
  const dns = dnsNames.map((name) => asn1.taggedBytes(2, Buffer.from(name, 'latin1')));
  return asn1.sequence(...dns, asn1.taggedBytes(6, Buffer.from(id.toString(), 'latin1')));
}

function attribute(type: string, value: Node): Node {
  return asn1.set(asn1.sequence(asn1.oid(type), value));
}

function extension(id: string, critical: boolean, value: Node): Node {
  const wrapped = asn1.octets(asn1.encode(value));
  return critical ? asn1.sequence(asn1.oid(id), asn1.boolean(true), wrapped) : asn1.sequence(asn1.oid(id), wrapped);
}
