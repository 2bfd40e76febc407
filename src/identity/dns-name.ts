// SPDX-License-Identifier: Apache-2.0
/**
 * A DNS name for a certificate's SAN: letters, digits and hyphens in labels of 1 to 63 characters, 253 in all
 * (RFC 1034 section 3.5, RFC 5280 section 4.2.1.6). An international name is given in its `xn--` form (RFC 5890).
 * One leading `*` label is allowed (RFC 9525 section 6.3). Letters come back in lower case: DNS names compare without
 * regard to case (RFC 4343), so that two spellings of one name are one name here.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { Failure, quote } from '../lib/failure.ts';

export const DNS_NAME_MAX_BYTES = 253;

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The name in lower case; refuses with DNS_NAME_INVALID and the rule that was broken. */
export function parseDnsName(text: unknown, field = 'DNS name'): string {
  const broken = brokenDnsRule(text);
  if (broken !== undefined) {
    throw new Failure('invalid-argument', 'DNS_NAME_INVALID', `${field} ${quote(text)} is refused: ${broken}`, {
      field,
      value: quote(text),
      hint: hintFor(text),
    });
  }
  return (text as string).toLowerCase();
}

function brokenDnsRule(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'it is not text';
  if (text === '') return 'it is empty';
  // guard: I9 test/identity/dns-name.test.ts
  if (text.length > DNS_NAME_MAX_BYTES) return `it is longer than ${DNS_NAME_MAX_BYTES} characters`;
  // guard: X509-02 test/identity/dns-name.test.ts — an address is no name: verifiers look for it elsewhere
  if (isIP(text) !== 0) return 'it is an IP address';
  const labels = text.split('.');
  const plain = labels[0] === '*' ? labels.slice(1) : labels;
  if (plain.length === 0) return 'a wildcard needs a name after it';
  // guard: X509-02 test/identity/dns-name.test.ts
  if (!plain.every((label) => LABEL.test(label))) {
    return 'each label is 1 to 63 letters, digits and hyphens, with no hyphen at either end';
  }
  return undefined;
}

function hintFor(text: unknown): string {
  const ascii = typeof text === 'string' && text.length <= DNS_NAME_MAX_BYTES ? domainToASCII(text) : '';
  const better = ascii !== '' && ascii !== text && brokenDnsRule(ascii) === undefined;
  return better ? `write ${ascii}` : 'write a name such as web.example.org or *.example.org';
}
