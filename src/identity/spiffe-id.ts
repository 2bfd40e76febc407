// SPDX-License-Identifier: Apache-2.0
/**
 * A SPIFFE ID: `spiffe://` trust domain, then nothing or one or more `/segment` (SPIFFE-ID section 2; rows ID-01 to
 * ID-18). A value that exists is valid, and its text is byte for byte what was parsed: nothing is folded, cleaned or
 * decoded (ID-12), which is why the WHATWG `URL` class is not used.
 */
import { Failure, quote } from '../lib/failure.ts';
import { brokenTrustDomainRule, TrustDomain } from './trust-domain.ts';

/** SPIFFE-ID section 2.3. Every allowed character is one byte, so characters are bytes. */
export const SPIFFE_ID_MAX_BYTES = 2048;

const SCHEME = 'spiffe://';
const SEGMENT = /^[A-Za-z0-9._-]*$/;

export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** Empty, or `/a/b`. */
  readonly path: string;

  private constructor(trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    Object.freeze(this);
  }

  /** Any SPIFFE ID, with or without a path; refuses with SPIFFE_ID_INVALID and the rule that was broken. */
  static parse(text: unknown, field = 'SPIFFE ID'): SpiffeId {
    if (typeof text !== 'string') throw refusal(field, text, 'it is not text');
    if (text === '') throw refusal(field, text, 'it is empty');
    // guard: ID-14 test/identity/spiffe-id.test.ts — also the ceiling of I9, before any other work
    if (text.length > SPIFFE_ID_MAX_BYTES) throw refusal(field, text, `it is longer than ${SPIFFE_ID_MAX_BYTES} bytes`);
    // guard: ID-01 test/identity/spiffe-id.test.ts
    if (!text.startsWith(SCHEME)) throw refusal(field, text, `it does not begin with ${SCHEME}`);
    const slash = text.indexOf('/', SCHEME.length);
    const name = slash < 0 ? text.slice(SCHEME.length) : text.slice(SCHEME.length, slash);
    const path = slash < 0 ? '' : text.slice(slash);
    const broken = brokenTrustDomainRule(name);
    if (broken !== undefined) throw refusal(field, text, `its trust domain ${quote(name)}: ${broken}`);
    checkPath(path, field, text);
    return new SpiffeId(TrustDomain.parse(name), path);
  }

  /** As `parse`, and the path is there: what a workload may be called (ID-17, X509-03, X509-21). */
  static parseWorkload(text: unknown, field = 'SPIFFE ID'): SpiffeId {
    const id = SpiffeId.parse(text, field);
    // guard: ID-17 test/identity/spiffe-id.test.ts
    if (id.path === '') throw refusal(field, text, 'it has no path, so it names a trust domain and no workload');
    return id;
  }

  /** `path` is empty or begins with a slash. */
  static of(trustDomain: TrustDomain, path: string): SpiffeId {
    // guard: ID-12 test/identity/spiffe-id.test.ts — the path must not run into the trust domain's name
    if (path !== '' && !path.startsWith('/')) throw refusal('path', path, 'it does not begin with a slash');
    return SpiffeId.parse(trustDomain.id + path, 'path');
  }

  /** True when this is an ID below `domain` (ID-18). */
  memberOf(domain: TrustDomain): boolean {
    return this.trustDomain.equals(domain);
  }

  /** Byte for byte; paths are case sensitive (ID-16). */
  equals(other: SpiffeId): boolean {
    return this.path === other.path && this.trustDomain.equals(other.trustDomain);
  }

  toString(): string {
    return this.trustDomain.id + this.path;
  }
}

function checkPath(path: string, field: string, text: string): void {
  if (path === '') return;
  for (const segment of path.slice(1).split('/')) {
    // guard: ID-09 test/identity/spiffe-id.test.ts — ID-10 as well
    if (segment === '') throw refusal(field, text, 'its path has an empty segment or ends with a slash');
    // guard: ID-11 test/identity/spiffe-id.test.ts
    if (segment === '.' || segment === '..') throw refusal(field, text, 'a path segment is "." or ".."');
    // guard: ID-08 test/identity/spiffe-id.test.ts — ID-03, ID-06 as well
    if (!SEGMENT.test(segment)) {
      throw refusal(
        field,
        text,
        `path segment ${quote(segment)} may hold only letters, digits, dots, dashes, underscores`,
      );
    }
  }
}

function refusal(field: string, text: unknown, broken: string): Failure {
  return new Failure('invalid-argument', 'SPIFFE_ID_INVALID', `${field} ${quote(text)} is refused: ${broken}`, {
    field,
    value: quote(text),
    hint: 'write an ID such as spiffe://example.org/team/service',
  });
}
