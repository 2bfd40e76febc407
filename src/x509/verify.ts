// SPDX-License-Identifier: Apache-2.0
/**
 * Is this chain an X.509-SVID that its own trust domain vouches for? X509-SVID section 5 and RFC 5280 section 6, with
 * the anchors of the trust domain named in the leaf and no others (X509-17): a pool of all bundles would let one
 * trust domain vouch for another.
 *
 * Not checked: extended key usage (any is accepted, as go-spiffe does), revocation, host names.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure, quote } from '../lib/failure.ts';
import { type ParsedCertificate, parseCertificate } from './parse.ts';
import { brokenValidity, PathSearch } from './path.ts';
import { publicKeyOf } from './signature.ts';

/** Leaf and intermediates that a peer may present (I9). */
export const CHAIN_MAX = 8;

export interface VerifiedSvid {
  readonly spiffeId: SpiffeId;
  readonly leaf: ParsedCertificate;
}

/**
 * `chain` is leaf first, then intermediates in any order; `anchorsOf` gives a trust domain's CA certificates, DER;
 * `now` is milliseconds UTC. Refuses with X509_SVID_INVALID and the rule that was broken.
 */
export function verifySvidChain(
  chain: readonly Buffer[],
  anchorsOf: (trustDomain: TrustDomain) => readonly Buffer[] | undefined,
  now: number,
): VerifiedSvid {
  // guard: I9 test/x509/verify.test.ts
  if (chain.length > CHAIN_MAX)
    throw refused(`the peer presented ${chain.length} certificates, more than ${CHAIN_MAX}`);
  const [leaf, ...intermediates] = chain.map(parse);
  if (leaf === undefined) throw refused('the peer presented no certificate');
  const spiffeId = readSvidId(leaf);
  checkLeaf(leaf, now);
  const anchors = anchorsOf(spiffeId.trustDomain) ?? [];
  // guard: X509-27 test/x509/verify.test.ts
  if (anchors.length === 0) {
    throw refused(`no X.509 bundle of ${spiffeId.trustDomain.id} is trusted here`, 'federate with that trust domain');
  }
  const search = new PathSearch(anchors, intermediates, now);
  // guard: X509-16 test/x509/verify.test.ts
  if (!search.reachesAnchor(leaf)) {
    throw refused(
      `${quote(spiffeId.toString(), 200)}: ${search.reason}`,
      'compare its bundle with the issuer of the certificate',
    );
  }
  return { spiffeId, leaf };
}

/** The ID of a leaf, by X509-20 and X509-21; does not look at who signed it. */
export function readSvidId(leaf: ParsedCertificate): SpiffeId {
  const [uri, ...more] = leaf.uriSans;
  // guard: X509-20 test/x509/verify.test.ts
  if (more.length > 0) throw refused('the certificate has more than one URI SAN');
  if (uri === undefined) throw refused('the certificate has no URI SAN');
  try {
    return SpiffeId.parseWorkload(uri, 'URI SAN');
  } catch (cause) {
    throw refused((cause as Failure).message, undefined, cause);
  }
}

function checkLeaf(leaf: ParsedCertificate, now: number): void {
  // guard: X509-18 test/x509/verify.test.ts
  if (leaf.isCa) throw refused('the certificate is a CA, which may not authenticate');
  const usage = leaf.keyUsage;
  // guard: CLI-03 test/x509/verify.test.ts
  if (usage?.digitalSignature !== true) throw refused('its key usage lacks digitalSignature');
  // guard: X509-19 test/x509/verify.test.ts
  if (usage?.keyCertSign || usage?.cRLSign) throw refused('its key usage is that of a CA');
  // guard: X509-16 test/x509/verify.test.ts
  if (leaf.criticalUnknown.length > 0) throw refused(`its critical extension ${leaf.criticalUnknown[0]} is unknown`);
  const late = brokenValidity(leaf, now);
  // guard: X509-16 test/x509/verify.test.ts
  if (late !== undefined) throw refused(`the certificate ${late}`, 'compare the clocks of both machines');
  publicKeyOf(leaf);
}

function parse(der: Buffer): ParsedCertificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    throw refused((cause as Failure).message, undefined, cause);
  }
}

function refused(reason: string, hint?: string, cause?: unknown): Failure {
  return new Failure('permission-denied', 'X509_SVID_INVALID', `the peer's SVID is refused: ${reason}`, {
    field: 'certificate',
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}
