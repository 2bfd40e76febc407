// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { HttpsUrl } from '../../src/lib/https-url.ts';
import { refusalOf } from '../support/refusal.ts';

describe('an address of a document', () => {
  it.each([
    ['https://example.org', 'example.org', 443, '/', 'example.org'],
    ['https://example.org/', 'example.org', 443, '/', 'example.org'],
    ['https://a.b:8443/x/y?z=1', 'a.b', 8443, '/x/y?z=1', 'a.b:8443'],
    ['https://127.0.0.1:1/', '127.0.0.1', 1, '/', '127.0.0.1:1'],
    ['https://[::1]:8443/b', '::1', 8443, '/b', '[::1]:8443'],
    ['https://localhost/%41', 'localhost', 443, '/%41', 'localhost'],
  ])('%s is taken as it stands', (text, host, port, path, authority) => {
    const url = HttpsUrl.parse(text);
    expect([url.host, url.port, url.path, url.authority, `${url}`]).toEqual([host, port, path, authority, text]);
  });

  it.each([
    ['http://example.org/', 'begin with https'],
    ['HTTPS://example.org/', 'begin with https'],
    ['example.org', 'begin with https'],
    ['https:/example.org', 'begin with https'],
    ['https://u:p@example.org/', 'user or a password'],
    ['https://u@example.org', 'user or a password'],
    ['https://@example.org', 'user or a password'],
    ['https://', 'host'],
    ['https:///x', 'host'],
    ['https://exa mple.org/', 'host'],
    ['https://example..org/', 'host'],
    ['https://1.2.3/', 'host'],
    ['https://0x7f.1/', 'host'],
    ['https://[::1/', 'host'],
    ['https://[1.2.3.4]/', 'host'],
    ['https://example.org:0/', 'port'],
    ['https://example.org:65536/', 'port'],
    ['https://example.org:/', 'host'],
    ['https://example.org/#a', 'fragment'],
    ['https://example.org/a b', 'percent-encoded'],
    ['https://example.org/a\r\nx: y', 'percent-encoded'],
    ['https://example.org?x', 'percent-encoded'],
    ['https://example.org/%4', 'percent-encoded'],
    ['https://example.org/\\x', 'percent-encoded'],
  ])('FED-02: %s is refused', (text, why) => {
    const refused = refusalOf(() => HttpsUrl.parse(text, '--url'));
    expect([refused.reason, refused.field]).toEqual(['URL_INVALID', '--url']);
    expect(refused.message).toContain(why);
  });

  it('I9: a long one is refused', () => {
    expect(refusalOf(() => HttpsUrl.parse(`https://example.org/${'a'.repeat(2_048)}`)).message).toContain(
      'longer than',
    );
  });

  it.each(['https://u:hunter2@example.org/', 'http://u:hunter2@example.org'])(
    'I10: a password in %s is not repeated',
    (text) => {
      const refused = refusalOf(() => HttpsUrl.parse(text));
      expect(JSON.stringify({ ...refused, message: refused.message })).not.toContain('hunter2');
    },
  );

  it.each([
    ['https://other.org/b', 'https://other.org/b'],
    ['/b', 'https://example.org:8443/b'],
    ['//other.org/b', 'https://other.org/b'],
  ])('a redirect to %s leads to %s', (location, to) => {
    expect(`${HttpsUrl.parse('https://example.org:8443/a').resolve(location)}`).toBe(to);
  });

  it.each(['http://other.org/', 'b', '', '?x', 'ftp://x', '//u@h/'])(
    'FED-10: a redirect to %j leads nowhere',
    (location) => {
      expect(refusalOf(() => HttpsUrl.parse('https://example.org/a').resolve(location)).reason).toBe('URL_INVALID');
    },
  );
});
