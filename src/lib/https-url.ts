// SPDX-License-Identifier: Apache-2.0
/**
 * An address of a document on the web: `https`, a host, no user, no fragment (SPIFFE Federation section 5.1: FED-02). Taken as it
 * stands or refused; nothing is decoded, folded or cleaned, so that what is compared, logged and asked for is one text.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { Failure, quote } from './failure.ts';

const LONGEST = 2_048;
const DEFAULT_PORT = 443;
const SCHEME = 'https://';
/** RFC 1123 section 2.1, with underscores, which exist. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
/** RFC 3986 section 3.3 and 3.4: what may stand in a path and a query, percent-encoded where it must be. */
const PATH = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;

export class HttpsUrl {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** From `/` on, with the query. */
  readonly path: string;
  readonly #text: string;

  private constructor(text: string, host: string, port: number, path: string) {
    this.#text = text;
    this.host = host;
    this.port = port;
    this.path = path;
    Object.freeze(this);
  }

  /** Refuses with URL_INVALID and the rule that was broken. */
  static parse(text: unknown, field = 'url'): HttpsUrl {
    if (typeof text !== 'string') throw refusal(field, String(text), 'it is not text');
    // guard: I9 test/lib/https-url.test.ts
    if (text.length > LONGEST) throw refusal(field, text, `it is longer than ${LONGEST} characters`);
    // guard: FED-02 test/lib/https-url.test.ts
    if (!text.startsWith(SCHEME)) throw refusal(field, text, `it does not begin with ${SCHEME}`);
    const rest = text.slice(SCHEME.length);
    const slash = rest.search(/[/?#]/);
    const authority = slash < 0 ? rest : rest.slice(0, slash);
    const path = slash < 0 ? '/' : rest.slice(slash);
    // guard: FED-02 test/lib/https-url.test.ts
    if (authority.includes('@')) throw refusal(field, text, 'it holds a user or a password');
    if (path.includes('#')) throw refusal(field, text, 'it has a fragment');
    if (!PATH.test(path)) throw refusal(field, text, 'its path holds a character that has to be percent-encoded');
    const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
    const host = bracketed ?? plain ?? '';
    if (bracketed === undefined ? !isHost(host) : !isIPv6(host))
      throw refusal(field, text, 'its host is no name and no address');
    const port = digits === undefined ? DEFAULT_PORT : Number(digits);
    if (port < 1 || port > 65_535) throw refusal(field, text, 'its port is not within 1 and 65535');
    return new HttpsUrl(text, host, port, path);
  }

  /** Where a `Location` leads from here: another address, or a path at the same host. */
  resolve(location: string, field = 'location'): HttpsUrl {
    if (!location.startsWith('/')) return HttpsUrl.parse(location, field);
    if (location.startsWith('//')) return HttpsUrl.parse(`https:${location}`, field);
    return HttpsUrl.parse(`${SCHEME}${this.authority}${location}`, field);
  }

  /** As the Host header wants it (RFC 9110 section 7.2). */
  get authority(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return this.port === DEFAULT_PORT ? host : `${host}:${this.port}`;
  }

  /** The name for TLS's server name indication, which an address is not (RFC 6066 section 3). */
  get serverName(): string | undefined {
    return isIPv4(this.host) || isIPv6(this.host) ? undefined : this.host;
  }

  toString(): string {
    return this.#text;
  }
}

/** `1.2.3` and its like would be read as an address by some and as a name by others. */
function isHost(host: string): boolean {
  return isIPv4(host) || (HOST_NAME.test(host) && !/(?:^|\.)\d+$/.test(host));
}

function refusal(field: string, text: string | undefined, broken: string): Failure {
  // guard: I10 test/lib/https-url.test.ts — what stands before an @ may be a password
  if (text?.includes('@')) return refusal(field, undefined, broken);
  const shown = text === undefined ? '' : ` ${quote(text)}`;
  return new Failure('invalid-argument', 'URL_INVALID', `${field}${shown} is refused: ${broken}`, {
    field,
    ...(text === undefined ? {} : { value: quote(text) }),
    hint: 'write an address such as https://example.org/bundle.json',
  });
}
