// SPDX-License-Identifier: Apache-2.0
/**
 * The look at a leaf before it leaves (I2): what was signed is parsed back by code that did not write it and compared
 * field by field with what was meant, nothing missing and nothing more. CLI-03 is what clients check afterwards.
 */
import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { Failure } from '../lib/failure.ts';
import type { Issuer } from './issuer.ts';
import * as OID from './oids.ts';
import { type ParsedCertificate, parseCertificate } from './parse.ts';
import type { WorkloadKey } from './workload-key.ts';

/** The reason of every refusal here. */
export const SELF_CHECK = 'SVID_SELF_CHECK';

export interface LeafIntent {
  readonly serial: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly key: WorkloadKey;
  readonly ski: Buffer;
  readonly issuer: Issuer;
  readonly subjectDer: Buffer;
  readonly uri: string;
  readonly dnsNames: readonly string[];
  readonly sanCritical: boolean;
}

/** How each extension of a leaf is marked; the value of the ones that never vary. */
const EXTENSIONS: ReadonlyMap<string, { critical: boolean; value?: Buffer }> = new Map([
  [OID.KEY_USAGE, { critical: true, value: Buffer.from('03020780', 'hex') }],
  [OID.EXT_KEY_USAGE, { critical: false, value: Buffer.from('301406082b0601050507030106082b06010505070302', 'hex') }],
  [OID.BASIC_CONSTRAINTS, { critical: true, value: Buffer.from('3000', 'hex') }],
  [OID.SUBJECT_KEY_ID, { critical: false }],
  [OID.AUTHORITY_KEY_ID, { critical: false }],
]);

type Holds = (leaf: ParsedCertificate, intent: LeafIntent) => boolean;

/** Every field but the extensions that never vary. */
const FIELDS: readonly (readonly [field: string, holds: Holds])[] = [
  ['serial', (leaf, intent) => leaf.serialBytes.equals(intent.serial)],
  ['signature algorithm', (leaf, { issuer }) => leaf.signatureAlgorithm.equals(issuer.kind.identifier)],
  ['issuer', (leaf, { issuer }) => leaf.issuerDer.equals(issuer.signer.subjectDer)],
  ['notBefore', (leaf, intent) => leaf.notBefore === intent.notBefore],
  ['notAfter', (leaf, intent) => leaf.notAfter === intent.notAfter],
  ['subject', (leaf, intent) => leaf.subjectDer.equals(intent.subjectDer)],
  ['public key', (leaf, { key }) => leaf.spki.equals(key.spki)],
  ['URI SAN', (leaf, { uri }) => leaf.uriSans.length === 1 && leaf.uriSans[0] === uri],
  ['DNS SAN', (leaf, { dnsNames }) => sameList(leaf.dnsSans, dnsNames)],
  ['SAN', (leaf) => leaf.otherSans.length === 0],
  ['criticality of SAN', (leaf, intent) => leaf.sanCritical === intent.sanCritical],
  ['subject key identifier', (leaf, { ski }) => leaf.ski?.equals(ski) === true],
  ['authority key identifier', (leaf, { issuer }) => leaf.aki?.equals(issuer.signer.ski) === true && isAkiBare(leaf)],
];

/** Throws SVID_SELF_CHECK with the field that differs. */
export function checkLeaf(der: Buffer, intent: LeafIntent): ParsedCertificate {
  const leaf = readBack(der);
  for (const [field, holds] of FIELDS) {
    // guard: I2 test/x509/self-check.test.ts
    if (!holds(leaf, intent)) throw differs(field);
  }
  // guard: I2 test/x509/self-check.test.ts
  checkExtensions(leaf);
  return leaf;
}

/** Is it really signed? Costs as much as a key and a signature together, so it is asked for a sample. */
export function proveSignature(leaf: ParsedCertificate, { issuer }: LeafIntent): void {
  // guard: I2 test/x509/self-check.test.ts
  if (!verify(issuer.kind.hash, leaf.tbs, issuer.publicKey, leaf.signature)) throw differs('signature');
}

/** Is the private key that of the certificate? Costs more still; the frame around it is the same for all of a type. */
export function proveKey({ key }: LeafIntent): void {
  const spki = createPublicKey(createPrivateKey({ key: key.pkcs8, format: 'der', type: 'pkcs8' }));
  // guard: CLI-02 test/x509/self-check.test.ts
  if (!spki.export({ type: 'spki', format: 'der' }).equals(key.spki)) throw differs('private key');
}

/** The set is exact: one more extension, or one less, is another certificate. */
function checkExtensions(leaf: ParsedCertificate): void {
  if (leaf.extensions.length !== EXTENSIONS.size + 1) throw differs('set of extensions');
  for (const { oid, critical, value } of leaf.extensions) {
    if (oid === OID.SUBJECT_ALT_NAME) continue;
    const meant = EXTENSIONS.get(oid);
    if (meant === undefined) throw differs('set of extensions');
    if (meant.critical !== critical) throw differs(`criticality of ${oid}`);
    if (meant.value !== undefined && !meant.value.equals(value)) throw differs(`value of ${oid}`);
  }
}

/** A sequence of the key identifier alone: two headers of two bytes. */
function isAkiBare(leaf: ParsedCertificate): boolean {
  const aki = leaf.extensions.find((extension) => extension.oid === OID.AUTHORITY_KEY_ID);
  return aki?.value.length === 4 + (leaf.aki?.length ?? 0);
}

function readBack(der: Buffer): ParsedCertificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw differs('encoding', cause);
  }
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, i) => item === other[i]);
}

export function differs(field: string, cause?: unknown): Failure {
  return new Failure('internal', SELF_CHECK, `what was signed is not what was asked for: ${field} differs`, {
    field,
    cause,
    hint: 'nothing was released; look at the key manager, then report this as a fault of Assay',
  });
}
