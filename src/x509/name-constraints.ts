// SPDX-License-Identifier: Apache-2.0
/**
 * Name constraints of a CA against the names of what stands below it (RFC 5280 section 4.2.1.10). URI and DNS names
 * are compared; a constraint on anything else that could apply is refused rather than overlooked.
 */
import { isIP } from 'node:net';
import { invalid } from './der.ts';
import type { NameConstraints, ParsedCertificate } from './parse.ts';
import { DNS_NAME, type GeneralName, URI_NAME } from './parse-extensions.ts';

const EMAIL_NAME = 0x81;
const DIRECTORY_NAME = 0xa4;

/** Why `certificate` may not stand below a CA with these constraints, or undefined when it may. */
export function brokenConstraint(constraints: NameConstraints, certificate: ParsedCertificate): string | undefined {
  const { excluded, permitted } = constraints;
  for (const { tag } of [...permitted, ...excluded]) {
    // Every certificate of ours has a subject, where directory and mail names live.
    const applies =
      tag === DIRECTORY_NAME || tag === EMAIL_NAME || certificate.otherSans.some((san) => san.tag === tag);
    // guard: CLI-10 test/x509/name-constraints.test.ts
    if (applies) return 'a CA above constrains names of a kind that is not compared here';
  }
  for (const uri of certificate.uriSans) {
    const broken = brokenBy(constraints, URI_NAME, uri, uriInSubtree, uriInSubtree);
    if (broken !== undefined) return broken;
  }
  for (const name of certificate.dnsSans) {
    const broken = brokenBy(constraints, DNS_NAME, name, dnsInSubtree, dnsMeetsSubtree);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

type Matcher = (name: string, base: string) => boolean;

function brokenBy(
  all: NameConstraints,
  tag: number,
  name: string,
  inside: Matcher,
  meets: Matcher,
): string | undefined {
  const excluded = basesOf(all.excluded, tag);
  // guard: CLI-10 test/x509/name-constraints.test.ts
  if (excluded.some((base) => meets(name, base))) return `a CA above excludes the name ${name}`;
  const permitted = basesOf(all.permitted, tag);
  // guard: CLI-10 test/x509/name-constraints.test.ts
  if (permitted.length > 0 && !permitted.some((base) => inside(name, base)))
    return `no CA above permits the name ${name}`;
  return undefined;
}

function basesOf(subtrees: readonly GeneralName[], tag: number): string[] {
  return subtrees.filter((subtree) => subtree.tag === tag).map((subtree) => subtree.text!.toLowerCase());
}

/** `example.org` is that host alone; `.example.org` is every host below it. A URI without a host name fits nothing. */
function uriInSubtree(uri: string, base: string): boolean {
  const host = /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9._-]+)(?:[/?#]|$)/i.exec(uri)?.[1]?.toLowerCase();
  // guard: CLI-10 test/x509/name-constraints.test.ts
  if (host === undefined || isIP(host) !== 0)
    throw invalid('URI SAN', 'it has no host name to hold against a constraint');
  return base.startsWith('.') ? host.endsWith(base) && host !== base : host === base;
}

/** The name itself and all below it. A leading dot, which RFC 5280 does not give, means below only, as elsewhere. */
function dnsInSubtree(name: string, base: string): boolean {
  const lower = name.toLowerCase();
  if (base.startsWith('.')) return lower.endsWith(base) && lower !== base;
  return lower === base || lower.endsWith(`.${base}`);
}

/** As above, and a wildcard meets what it may stand for: `*.example.org` meets `db.example.org`. */
function dnsMeetsSubtree(name: string, base: string): boolean {
  if (dnsInSubtree(name, base)) return true;
  return name.startsWith('*.') && base.endsWith(name.slice(1).toLowerCase());
}
