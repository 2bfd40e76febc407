// SPDX-License-Identifier: Apache-2.0
/**
 * A trust domain's name. A value that exists is valid: 1 to 255 bytes of `[a-z0-9._-]`
 * (SPIFFE-ID section 2.1; conformance rows ID-02, ID-05, ID-06, ID-15).
 *
 * Nothing is ever folded, trimmed or decoded (ID-12): a name is taken as it stands or refused. Names such as
 * `__proto__` and `constructor` are legal (ID-19), so key lookups by `name` or `id` with a Map.
 */
import { Failure, quote } from '../lib/failure.ts';

export const TRUST_DOMAIN_MAX_BYTES = 255;

const ALLOWED = /^[a-z0-9._-]*$/;

export class TrustDomain {
  /** `example.org` */
  readonly name: string;
  /** `spiffe://example.org`, without a slash: the map key used on the wire (CLI-06). */
  readonly id: string;

  private constructor(name: string) {
    this.name = name;
    this.id = `spiffe://${name}`;
    Object.freeze(this);
  }

  /** The bare name; refuses with TRUST_DOMAIN_INVALID and the rule that was broken. */
  static parse(name: unknown, field = 'trust domain'): TrustDomain {
    const broken = brokenTrustDomainRule(name);
    if (broken !== undefined) throw refusal(field, name, broken);
    return new TrustDomain(name as string);
  }

  /**
   * For our own name and for names an operator registers: refuses as well what Go's certificate parser refuses as
   * a URI host, a trailing dot and empty labels, since an SVID under such a name blinds every Go client (CLI-09).
   */
  static parseOwn(name: unknown, field = 'trust domain'): TrustDomain {
    const domain = TrustDomain.parse(name, field);
    // guard: CLI-09 test/identity/trust-domain.test.ts
    if (domain.name.split('.').includes('')) {
      throw refusal(field, name, 'it begins or ends with a dot or holds two in a row, which Go clients cannot read');
    }
    return domain;
  }

  equals(other: TrustDomain): boolean {
    return this.name === other.name;
  }

  toString(): string {
    return this.name;
  }
}

/** The rule `name` breaks, in words that end a sentence, or undefined when it is a trust domain name. */
export function brokenTrustDomainRule(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'it is not text';
  if (name === '') return 'it is empty';
  // guard: ID-15 test/identity/trust-domain.test.ts
  if (name.length > TRUST_DOMAIN_MAX_BYTES) return `it is longer than ${TRUST_DOMAIN_MAX_BYTES} bytes`;
  // guard: ID-05 test/identity/trust-domain.test.ts
  if (!ALLOWED.test(name)) return 'it may hold only lower-case letters, digits, dots, dashes and underscores';
  return undefined;
}

function refusal(field: string, name: unknown, broken: string): Failure {
  const prefixed = typeof name === 'string' && name.startsWith('spiffe://');
  return new Failure('invalid-argument', 'TRUST_DOMAIN_INVALID', `${field} ${quote(name)} is refused: ${broken}`, {
    field,
    value: quote(name),
    hint: prefixed ? 'write the bare name, without spiffe://' : 'write a name such as example.org',
  });
}
