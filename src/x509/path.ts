// SPDX-License-Identifier: Apache-2.0
/**
 * A search for a path from a leaf to an anchor (RFC 5280 section 6.1). An anchor is held to the rules of any issuer,
 * its dates included, as Go and OpenSSL do. The search is bounded in depth and in signatures checked.
 */
import { Failure } from '../lib/failure.ts';
import { brokenConstraint } from './name-constraints.ts';
import { type ParsedCertificate, parseCertificate } from './parse.ts';
import { isSignedBy, publicKeyOf } from './signature.ts';

/** Signatures checked for one leaf (I9): a chain of the longest kind, with a few anchors of one name to choose from. */
const SIGNATURES_MAX = 64;
const EMPTY_NAME_BYTES = 2;

export class PathSearch {
  readonly #anchors: readonly ParsedCertificate[];
  readonly #intermediates: readonly ParsedCertificate[];
  readonly #now: number;
  #signaturesLeft = SIGNATURES_MAX;
  /** Why the last promising issuer was turned down. */
  reason = 'no CA of its trust domain signed it';

  constructor(anchors: readonly Buffer[], intermediates: readonly ParsedCertificate[], now: number) {
    this.#anchors = anchors.flatMap((der) => this.#readAnchor(der));
    this.#intermediates = intermediates;
    this.#now = now;
  }

  reachesAnchor(leaf: ParsedCertificate): boolean {
    return this.#extend([leaf]);
  }

  /** `path` is leaf first; each is signed by the next. */
  #extend(path: readonly ParsedCertificate[]): boolean {
    for (const anchor of this.#anchors) {
      if (this.#issued(anchor, path)) return true;
    }
    for (const ca of this.#intermediates) {
      // A certificate stands in a path once, which also ends the search.
      if (path.includes(ca)) continue;
      if (this.#issued(ca, path) && this.#extend([...path, ca])) return true;
    }
    return false;
  }

  /** Did `ca` sign the end of `path`, and may it? The cheap questions first. */
  #issued(ca: ParsedCertificate, path: readonly ParsedCertificate[]): boolean {
    const below = path.at(-1)!;
    if (!ca.subjectDer.equals(below.issuerDer)) return false;
    if (below.aki !== undefined && ca.ski !== undefined && !below.aki.equals(ca.ski)) return false;
    try {
      const broken = brokenIssuerRule(ca, path, this.#now) ?? this.#brokenSignature(ca, below);
      if (broken === undefined) return true;
      this.reason = broken;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.reason = error.message;
    }
    return false;
  }

  #brokenSignature(ca: ParsedCertificate, below: ParsedCertificate): string | undefined {
    // guard: I9 test/x509/verify.test.ts
    if (this.#signaturesLeft-- <= 0) return `more than ${SIGNATURES_MAX} signatures would have to be checked`;
    return isSignedBy(below, publicKeyOf(ca)) ? undefined : 'its signature is not that of the CA it names';
  }

  /** An anchor that cannot be read vouches for nothing; the others still do (X509-25). */
  #readAnchor(der: Buffer): ParsedCertificate[] {
    try {
      return [parseCertificate(der)];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.reason = `an anchor cannot be read: ${error.message}`;
      return [];
    }
  }
}

/** When the certificate is not valid at `now`, in words that follow "the certificate". */
export function brokenValidity(certificate: ParsedCertificate, now: number): string | undefined {
  if (now < certificate.notBefore) return `is not valid before ${new Date(certificate.notBefore).toISOString()}`;
  if (now > certificate.notAfter) return `expired at ${new Date(certificate.notAfter).toISOString()}`;
  return undefined;
}

/** The rule that keeps `ca` from issuing the end of `path`. */
function brokenIssuerRule(ca: ParsedCertificate, path: readonly ParsedCertificate[], now: number): string | undefined {
  // guard: X509-16 test/x509/verify.test.ts — RFC 5280 6.1.4 (k)
  if (!ca.isCa) return 'what signed it is no CA';
  // guard: X509-16 test/x509/verify.test.ts — RFC 5280 6.1.4 (n); X509-SVID 4.3 wants the extension there
  if (ca.keyUsage?.keyCertSign !== true) return 'the CA above may not sign certificates';
  // guard: X509-16 test/x509/verify.test.ts — RFC 5280 4.1.2.6
  if (ca.subjectDer.length === EMPTY_NAME_BYTES) return 'the CA above has no name';
  // guard: X509-16 test/x509/verify.test.ts — RFC 5280 6.1.4 (o)
  if (ca.criticalUnknown.length > 0)
    return `the critical extension ${ca.criticalUnknown[0]} of the CA above is unknown`;
  const late = brokenValidity(ca, now);
  // guard: X509-16 test/x509/verify.test.ts — RFC 5280 6.1.3 (a)
  if (late !== undefined) return `the CA above ${late}`;
  // The leaf and self-issued CAs do not count (RFC 5280 section 4.2.1.9).
  const between = path.slice(1).filter((below) => !isSelfIssued(below)).length;
  // guard: X509-13 test/x509/verify.test.ts — RFC 5280 6.1.4 (l)
  if (ca.pathLen !== undefined && between > ca.pathLen) return 'more CAs stand below one than its path length allows';
  return brokenConstraintOn(ca, path);
}

function brokenConstraintOn(ca: ParsedCertificate, path: readonly ParsedCertificate[]): string | undefined {
  if (ca.nameConstraints === undefined) return undefined;
  for (const [depth, below] of path.entries()) {
    // RFC 5280 section 6.1.3 (b): a self-issued certificate is exempt unless it is the leaf.
    if (depth > 0 && isSelfIssued(below)) continue;
    const broken = brokenConstraint(ca.nameConstraints, below);
    // guard: CLI-10 test/x509/verify.test.ts
    if (broken !== undefined) return broken;
  }
  return undefined;
}

function isSelfIssued(certificate: ParsedCertificate): boolean {
  return certificate.subjectDer.equals(certificate.issuerDer);
}
