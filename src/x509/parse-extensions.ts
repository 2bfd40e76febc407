// SPDX-License-Identifier: Apache-2.0
/** A certificate's extensions (RFC 5280 section 4.2), the seven that path validation needs read in full. */
import { DerCursor, invalid, TAG } from './der.ts';
import { readOid } from './der-oid.ts';
import { readDefaultFalse, readName, readNamedBits, readSmall } from './der-values.ts';
import * as OID from './oids.ts';

/** In the order of RFC 5280 section 4.2.1.3, highest bit first. */
export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly nonRepudiation: boolean;
  readonly keyEncipherment: boolean;
  readonly dataEncipherment: boolean;
  readonly keyAgreement: boolean;
  readonly keyCertSign: boolean;
  readonly cRLSign: boolean;
  readonly encipherOnly: boolean;
  readonly decipherOnly: boolean;
}

/** A general name: its tag, and its text for the kinds that have one (RFC 822, DNS, URI). */
export interface GeneralName {
  readonly tag: number;
  readonly text: string | undefined;
}

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface ParsedExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of the OCTET STRING. */
  readonly value: Buffer;
}

export interface CertificateExtensions {
  /** All, as they stand. */
  readonly extensions: readonly ParsedExtension[];
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  /** Every name of the SAN that is neither URI nor DNS. */
  readonly otherSans: readonly GeneralName[];
  readonly sanCritical: boolean;
  readonly keyUsage: KeyUsage | undefined;
  readonly isCa: boolean;
  readonly pathLen: number | undefined;
  readonly eku: readonly string[];
  readonly ski: Buffer | undefined;
  /** The key identifier alone; an AKI that names its issuer otherwise leaves it undefined. */
  readonly aki: Buffer | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  /** Critical extensions that nothing here acts on. */
  readonly criticalUnknown: readonly string[];
}

export const URI_NAME = 0x86;
export const DNS_NAME = 0x82;
const EMAIL_NAME = 0x81;
const IP_NAME = 0x87;
/** otherName, rfc822Name, dNSName, x400Address, directoryName, ediPartyName, URI, iPAddress, registeredID. */
const NAME_TAGS: ReadonlySet<number> = new Set([0xa0, EMAIL_NAME, DNS_NAME, 0xa3, 0xa4, 0xa5, URI_NAME, IP_NAME, 0x88]);

/** What the readers below fill in. */
type Draft = { -readonly [K in keyof CertificateExtensions]: CertificateExtensions[K] };

const READERS: ReadonlyMap<string, (value: DerCursor, draft: Draft) => void> = new Map([
  [OID.SUBJECT_ALT_NAME, readSubjectAltName],
  [OID.KEY_USAGE, readKeyUsage],
  [OID.BASIC_CONSTRAINTS, readBasicConstraints],
  [OID.EXT_KEY_USAGE, readExtKeyUsage],
  [OID.SUBJECT_KEY_ID, readSubjectKeyId],
  [OID.AUTHORITY_KEY_ID, readAuthorityKeyId],
  [OID.NAME_CONSTRAINTS, readNameConstraints],
]);

export function readExtensions(signed: DerCursor): CertificateExtensions {
  const draft = emptyDraft();
  if (!signed.more) return draft;
  const wrapper = signed.enter(0xa3, 'extensions');
  const list = wrapper.enter(TAG.sequence, 'extensions');
  wrapper.finish('extensions');
  if (!list.more) throw invalid('extensions', 'the list is empty');
  const extensions: ParsedExtension[] = [];
  const criticalUnknown: string[] = [];
  while (list.more) {
    const extension = readExtension(list);
    // guard: X509-16 test/x509/parse.test.ts — RFC 5280 4.2: two would be read differently by different readers
    if (extensions.some((other) => other.oid === extension.oid))
      throw invalid(extension.oid, 'the extension stands twice');
    extensions.push(extension);
    const read = READERS.get(extension.oid);
    if (read === undefined) {
      if (extension.critical) criticalUnknown.push(extension.oid);
      continue;
    }
    const value = new DerCursor(extension.value);
    read(value, draft);
    value.finish(extension.oid);
    if (extension.oid === OID.SUBJECT_ALT_NAME) draft.sanCritical = extension.critical;
  }
  draft.extensions = extensions;
  draft.criticalUnknown = criticalUnknown;
  return draft;
}

function emptyDraft(): Draft {
  return {
    extensions: [],
    uriSans: [],
    dnsSans: [],
    otherSans: [],
    sanCritical: false,
    keyUsage: undefined,
    isCa: false,
    pathLen: undefined,
    eku: [],
    ski: undefined,
    aki: undefined,
    nameConstraints: undefined,
    criticalUnknown: [],
  };
}

function readExtension(list: DerCursor): ParsedExtension {
  const extension = list.enter(TAG.sequence, 'extension');
  const oid = readOid(extension, 'extension');
  const critical = readDefaultFalse(extension, oid);
  const value = extension.expect(TAG.octetString, oid).content();
  extension.finish(oid);
  return { oid, critical, value };
}

function readSubjectAltName(value: DerCursor, draft: Draft): void {
  const uris: string[] = [];
  const dns: string[] = [];
  const others: GeneralName[] = [];
  for (const name of readGeneralNames(value.enter(TAG.sequence, 'subjectAltName'), 'subjectAltName')) {
    if (name.tag === URI_NAME) uris.push(name.text!);
    else if (name.tag === DNS_NAME) dns.push(name.text!);
    else others.push(name);
  }
  draft.uriSans = uris;
  draft.dnsSans = dns;
  draft.otherSans = others;
}

function readGeneralNames(names: DerCursor, what: string): GeneralName[] {
  if (!names.more) throw invalid(what, 'it holds no name');
  const found: GeneralName[] = [];
  while (names.more) found.push(readGeneralName(names, what));
  return found;
}

function readGeneralName(names: DerCursor, what: string): GeneralName {
  const { tag } = names.next(what);
  if (!NAME_TAGS.has(tag)) throw invalid(what, 'it holds a name of no known kind');
  const hasText = tag === URI_NAME || tag === DNS_NAME || tag === EMAIL_NAME;
  return { tag, text: hasText ? readName(names, what) : undefined };
}

function readKeyUsage(value: DerCursor, draft: Draft): void {
  const bits = readNamedBits(value, 'keyUsage');
  draft.keyUsage = {
    digitalSignature: (bits & 0x8000) !== 0,
    nonRepudiation: (bits & 0x4000) !== 0,
    keyEncipherment: (bits & 0x2000) !== 0,
    dataEncipherment: (bits & 0x1000) !== 0,
    keyAgreement: (bits & 0x0800) !== 0,
    keyCertSign: (bits & 0x0400) !== 0,
    cRLSign: (bits & 0x0200) !== 0,
    encipherOnly: (bits & 0x0100) !== 0,
    decipherOnly: (bits & 0x0080) !== 0,
  };
}

function readBasicConstraints(value: DerCursor, draft: Draft): void {
  const constraints = value.enter(TAG.sequence, 'basicConstraints');
  draft.isCa = readDefaultFalse(constraints, 'basicConstraints.cA');
  if (constraints.more) draft.pathLen = readSmall(constraints, 'basicConstraints.pathLenConstraint');
  constraints.finish('basicConstraints');
  // guard: X509-16 test/x509/parse.test.ts — RFC 5280 4.2.1.9
  if (draft.pathLen !== undefined && !draft.isCa) throw invalid('basicConstraints', 'a path length needs cA');
}

function readExtKeyUsage(value: DerCursor, draft: Draft): void {
  const purposes = value.enter(TAG.sequence, 'extKeyUsage');
  const found: string[] = [];
  while (purposes.more) found.push(readOid(purposes, 'extKeyUsage'));
  if (found.length === 0) throw invalid('extKeyUsage', 'it names no purpose');
  draft.eku = found;
}

function readSubjectKeyId(value: DerCursor, draft: Draft): void {
  draft.ski = value.expect(TAG.octetString, 'subjectKeyIdentifier').content();
}

function readAuthorityKeyId(value: DerCursor, draft: Draft): void {
  const parts = value.enter(TAG.sequence, 'authorityKeyIdentifier');
  if (parts.optional(0x80, 'authorityKeyIdentifier')) draft.aki = parts.content();
  const issuer = parts.optional(0xa1, 'authorityKeyIdentifier');
  const serial = parts.optional(0x82, 'authorityKeyIdentifier');
  if (issuer !== serial) throw invalid('authorityKeyIdentifier', 'issuer and serial come together');
  parts.finish('authorityKeyIdentifier');
}

function readNameConstraints(value: DerCursor, draft: Draft): void {
  const parts = value.enter(TAG.sequence, 'nameConstraints');
  const permitted = readSubtrees(parts, 0xa0);
  const excluded = readSubtrees(parts, 0xa1);
  parts.finish('nameConstraints');
  if (permitted.length + excluded.length === 0) throw invalid('nameConstraints', 'it holds no name');
  draft.nameConstraints = { permitted, excluded };
}

/** `minimum` is 0 and left out, `maximum` is absent (RFC 5280 section 4.2.1.10), so a subtree is its base alone. */
function readSubtrees(parts: DerCursor, tag: number): GeneralName[] {
  if (parts.upcoming !== tag) return [];
  const subtrees = parts.enter(tag, 'nameConstraints');
  if (!subtrees.more) throw invalid('nameConstraints', 'it holds an empty list');
  const found: GeneralName[] = [];
  while (subtrees.more) {
    const subtree = subtrees.enter(TAG.sequence, 'nameConstraints');
    found.push(readGeneralName(subtree, 'nameConstraints'));
    subtree.finish('nameConstraints');
  }
  return found;
}
