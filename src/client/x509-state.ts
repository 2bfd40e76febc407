// SPDX-License-Identifier: Apache-2.0
/**
 * One message of FetchX509SVID, read whole or refused whole (WAPI-38). A message is the full state: what it does not
 * hold is gone (WAPI-35, CLI-22).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { quote } from '../lib/failure.ts';
import { parseCertificate, splitCertificates } from '../x509/parse.ts';
import { verifySvidChain } from '../x509/verify.ts';
import { messageFault, readBundleKey, within } from './message-fault.ts';
import type { WireX509Svid, WireX509Svids } from './workload-api.ts';

/** An identity of this process. The key has no printable form. */
export interface X509Svid {
  readonly spiffeId: SpiffeId;
  /** DER, leaf first. */
  readonly chain: readonly Buffer[];
  readonly privateKey: KeyObject;
  /** What the operator wrote to tell several identities apart; empty when nothing. */
  readonly hint: string;
  /** Lower-case hex. */
  readonly serial: string;
  /** Milliseconds UTC. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface X509State {
  /** At least one; the first is the default identity (WAPI-18). */
  readonly svids: readonly X509Svid[];
  /** Trust anchors (DER) by trust domain name, ours and those we federate with. */
  readonly bundles: ReadonlyMap<string, readonly Buffer[]>;
  /** Revocation lists of our own trust domain's authorities, DER; not looked at yet. */
  readonly crls: readonly Buffer[];
}

/** Throws a Failure `WORKLOAD_API_MESSAGE_INVALID` that names the field at fault. */
export function readX509State(message: WireX509Svids, now: number): X509State {
  // guard: CLI-01 test/client/x509-state.test.ts
  if (message.svids.length === 0) throw messageFault('svids', 'it is empty');
  const bundles = new Map<string, readonly Buffer[]>();
  const svids = message.svids.map((wire, at) => readSvid(wire, `svids[${at}]`, bundles, now));
  const own = new Set(bundles.keys());
  for (const [key, der] of Object.entries(message.federated_bundles)) {
    const domain = readBundleKey('federated_bundles', key);
    // guard: WAPI-15 test/client/x509-state.test.ts — a second bundle for our own name could replace the first
    if (own.has(domain.name))
      throw messageFault(`federated_bundles[${quote(key)}]`, 'it is the trust domain of an SVID of ours');
    // An empty one stays: the trust domain is known and nothing of it is trusted (BUN-02).
    bundles.set(domain.name, readAnchors(der, `federated_bundles[${quote(key)}]`));
  }
  return { svids: withoutSecondHints(svids), bundles, crls: message.crl };
}

function readSvid(wire: WireX509Svid, field: string, bundles: Map<string, readonly Buffer[]>, now: number): X509Svid {
  for (const part of ['spiffe_id', 'x509_svid', 'x509_svid_key', 'bundle'] as const) {
    // guard: CLI-21 test/client/x509-state.test.ts — an empty bundle would parse, and every peer would fail later
    if (wire[part].length === 0) throw messageFault(`${field}.${part}`, 'it is empty');
  }
  const spiffeId = within(`${field}.spiffe_id`, () => SpiffeId.parseWorkload(wire.spiffe_id));
  const anchors = readAnchors(wire.bundle, `${field}.bundle`);
  addOwnBundle(bundles, spiffeId.trustDomain, anchors, `${field}.bundle`);
  const chain = within(`${field}.x509_svid`, () => splitCertificates(wire.x509_svid));
  const { spiffeId: certified, leaf } = within(`${field}.x509_svid`, () =>
    verifySvidChain(chain, (domain) => bundles.get(domain.name), now),
  );
  for (const der of chain.slice(1)) requireIssuer(der, `${field}.x509_svid`);
  // guard: CLI-03 test/client/x509-state.test.ts
  if (!certified.equals(spiffeId))
    throw messageFault(`${field}.x509_svid`, `it certifies ${certified}, and not ${spiffeId}`);
  const privateKey = readKey(wire.x509_svid_key, `${field}.x509_svid_key`);
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  // guard: CLI-02 test/client/x509-state.test.ts
  if (!spki.equals(leaf.spki)) throw messageFault(`${field}.x509_svid_key`, 'it is not the key of the certificate');
  const { serial, notBefore, notAfter } = leaf;
  return { spiffeId, chain, privateKey, hint: wire.hint, serial, notBefore, notAfter };
}

/** Several SVIDs of one trust domain carry the same bundle (CLI-07); if they do not, nobody knows which one holds. */
function addOwnBundle(
  bundles: Map<string, readonly Buffer[]>,
  domain: TrustDomain,
  anchors: readonly Buffer[],
  field: string,
): void {
  const known = bundles.get(domain.name);
  // guard: CLI-07 test/client/x509-state.test.ts
  if (known !== undefined && !Buffer.concat(known).equals(Buffer.concat(anchors)))
    throw messageFault(field, `another SVID of ${domain} came with another bundle`);
  bundles.set(domain.name, anchors);
}

/** What follows the leaf is there to sign (CLI-04); a stray certificate blinds other clients. */
function requireIssuer(der: Buffer, field: string): void {
  const { isCa, keyUsage } = parseCertificate(der);
  // guard: CLI-04 test/client/x509-state.test.ts
  if (!isCa || keyUsage?.keyCertSign !== true) throw messageFault(field, 'a certificate after the leaf is no CA');
}

export function readAnchors(der: Buffer, field: string): readonly Buffer[] {
  return within(field, () => {
    const certificates = splitCertificates(der);
    for (const certificate of certificates) parseCertificate(certificate);
    return certificates;
  });
}

/** PKCS#8, unencrypted; RSA, ECDSA or Ed25519 (CLI-02, CLI-05). PKCS#1 and SEC1 do not parse as such. */
function readKey(der: Buffer, field: string): KeyObject {
  const key = within(field, () => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  // guard: CLI-05 test/client/x509-state.test.ts
  if (!['rsa', 'ec', 'ed25519'].includes(key.asymmetricKeyType ?? ''))
    throw messageFault(field, `a key of type ${quote(key.asymmetricKeyType)} is not used for SVIDs`);
  return key;
}

/** Of several SVIDs with the same hint the first one counts (CLI-08). */
function withoutSecondHints(svids: readonly X509Svid[]): readonly X509Svid[] {
  const seen = new Set<string>();
  return svids.filter(({ hint }) => {
    const second = hint !== '' && seen.has(hint);
    seen.add(hint);
    return !second;
  });
}
