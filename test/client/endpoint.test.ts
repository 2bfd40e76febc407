// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseEndpoint } from '../../src/client/endpoint.ts';
import { Failure } from '../../src/lib/failure.ts';

function refusal(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('WEP-09: an explicit address wins over the environment', () => {
  const env = { SPIFFE_ENDPOINT_SOCKET: 'unix:///from/env.sock' };

  it('takes the explicit one when both are there', () => {
    expect(parseEndpoint('unix:///given.sock', { env })).toMatchObject({ kind: 'unix', path: '/given.sock' });
  });

  it('takes the environment when nothing is given', () => {
    expect(parseEndpoint(undefined, { env })).toMatchObject({ kind: 'unix', path: '/from/env.sock' });
  });

  it.each([[{}], [{ SPIFFE_ENDPOINT_SOCKET: '' }]])('says what to set when neither is there: %j', (bare) => {
    const failure = refusal(() => parseEndpoint(undefined, { env: bare, field: '--socket' }));
    expect(failure).toMatchObject({ kind: 'invalid-argument', reason: 'ENDPOINT_MISSING', field: '--socket' });
    expect(failure.message).toContain('SPIFFE_ENDPOINT_SOCKET');
    expect(failure.hint).toContain('unix:///');
  });

  it('does not fall back to the environment when the explicit one is bad, even empty', () => {
    expect(refusal(() => parseEndpoint('', { env })).reason).toBe('ENDPOINT_INVALID');
    expect(refusal(() => parseEndpoint('http://x', { env })).reason).toBe('ENDPOINT_INVALID');
  });

  it('names the variable when its value is the bad one', () => {
    expect(refusal(() => parseEndpoint(undefined, { env: { SPIFFE_ENDPOINT_SOCKET: 'x' } }))).toMatchObject({
      field: 'SPIFFE_ENDPOINT_SOCKET',
      value: 'x',
    });
  });
});

describe('WEP-10: unix takes an absolute path and nothing else', () => {
  it.each([
    ['unix:///a.sock', '/a.sock'],
    ['unix:/a.sock', '/a.sock'],
    ['UNIX:///a.sock', '/a.sock'],
    ['unix:///run/assay/workload/api.sock', '/run/assay/workload/api.sock'],
    ['unix:///a%20b%25.sock', '/a b%.sock'],
    [`unix:///${'a'.repeat(106)}`, `/${'a'.repeat(106)}`],
  ])('accepts %s', (uri, path) => {
    expect(parseEndpoint(uri)).toEqual({ kind: 'unix', path, uri, target: `unix:${path}` });
  });

  it.each([
    ['unix://host/a', 'host'],
    ['unix://user@/a', 'host'],
    ['unix://user@host/a', 'host'],
    ['unix:a.sock', 'not absolute'],
    ['unix:./a.sock', 'not absolute'],
    ['unix:', 'not absolute'],
    ['unix://', 'not absolute'],
    ['unix:///', 'folder'],
    ['unix:///a/', 'folder'],
    ['unix:///a?x', 'query'],
    ['unix:///a?', 'query'],
    ['unix:///a#x', 'fragment'],
    ['unix:///a#', 'fragment'],
    ['unix:///a%zz', 'percent'],
    ['unix:///a%ff', 'percent'],
    ['unix:///a%00b', 'control'],
    ['unix:///a\nb', 'control'],
    [`unix:///${'a'.repeat(107)}`, '108 bytes'],
  ])('refuses %j', (uri, word) => {
    const failure = refusal(() => parseEndpoint(uri));
    expect(failure).toMatchObject({
      kind: 'invalid-argument',
      reason: 'ENDPOINT_INVALID',
      field: 'socket',
      value: uri,
    });
    expect(failure.message).toContain(word);
    expect(failure.hint).toBeDefined();
  });
});

describe('WEP-11: tcp takes an IP address and a port and nothing else', () => {
  it.each([
    ['tcp://127.0.0.1:8000', '127.0.0.1', 8000, 'ipv4:127.0.0.1:8000'],
    ['tcp://[::1]:8000', '::1', 8000, 'ipv6:[::1]:8000'],
    ['tcp://10.0.0.1:65535', '10.0.0.1', 65_535, 'ipv4:10.0.0.1:65535'],
  ])('accepts %s', (uri, host, port, target) => {
    expect(parseEndpoint(uri)).toEqual({ kind: 'tcp', host, port, uri, target });
  });

  it.each([
    ['tcp://localhost:1', 'not an IP address'],
    ['tcp://1.2.3.4', 'port is missing'],
    ['tcp://1.2.3.4:', 'port is missing'],
    ['tcp://1.2.3.4:1/x', 'path'],
    ['tcp://1.2.3.4:1/', 'path'],
    ['tcp://1.2.3.4:1?x', 'query'],
    ['tcp://1.2.3.4:1#x', 'fragment'],
    ['tcp://u@1.2.3.4:1', 'user information'],
    ['tcp://1.2.3.4:0', 'between 1 and 65535'],
    ['tcp://1.2.3.4:65536', 'between 1 and 65535'],
    ['tcp://1.2.3:1', 'not an IP address'],
    ['tcp://::1:8000', 'not an IP address'],
    ['tcp://[1.2.3.4]:1', 'not an IP address'],
    ['tcp://[fe80::1%25eth0]:1', 'not an IP address'],
    ['tcp://1.2.3.4:-1', 'not an IP address'],
    ['tcp://:80', 'not an IP address'],
    ['tcp:1.2.3.4:1', 'path'],
    ['tcp:///a', 'path'],
  ])('refuses %j', (uri, word) => {
    const failure = refusal(() => parseEndpoint(uri));
    expect(failure.reason).toBe('ENDPOINT_INVALID');
    expect(failure.message).toContain(word);
  });
});

describe('WEP-12: any other scheme is refused', () => {
  it.each([
    'http://127.0.0.1:80',
    'https://x',
    '/a.sock',
    'a.sock',
    'npipe:',
    'npipe:spire',
    'dns:///x',
    '',
    ' unix:///a',
    'unix-abstract:a',
    '__proto__:/a',
  ])('refuses %j', (uri) => {
    expect(refusal(() => parseEndpoint(uri)).reason).toBe('ENDPOINT_INVALID');
  });

  it('offers the right spelling of a bare path', () => {
    expect(refusal(() => parseEndpoint('/a.sock')).hint).toBe('write unix:///a.sock');
  });

  it('answers any text with an endpoint or a Failure', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => `unix://${s}`),
          fc.string().map((s) => `tcp://${s}`),
        ),
        (text) => {
          try {
            const endpoint = parseEndpoint(text);
            if (endpoint.kind === 'unix') expect(endpoint.path.startsWith('/')).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(Failure);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
