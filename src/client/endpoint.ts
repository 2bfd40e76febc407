// SPDX-License-Identifier: Apache-2.0
/**
 * Where the Workload API is (SPIFFE Workload Endpoint, section 4): an address given explicitly wins, otherwise the
 * environment variable SPIFFE_ENDPOINT_SOCKET says. `unix` with an absolute path, or `tcp` with an IP address and a
 * port; whatever else is refused, never repaired.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { Failure, quote } from '../lib/failure.ts';

export const ENDPOINT_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET';

export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string; readonly uri: string; readonly target: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly uri: string;
      readonly target: string;
    };

/** sun_path of sockaddr_un holds 108 bytes on Linux with its NUL; a longer name is cut, and so another file. */
const MAX_SOCKET_PATH = 107;

/**
 * @param explicit what the caller configured; `undefined` means: ask the environment (WEP-09).
 * @param opts.field how the caller's user spells that setting, for the error.
 */
export function parseEndpoint(
  explicit?: string,
  opts: { readonly field?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {},
): Endpoint {
  const field = opts.field ?? 'socket';
  // guard: WEP-09 test/client/endpoint.test.ts
  if (explicit !== undefined) return parse(explicit, field);
  const env = opts.env ?? process.env;
  const ambient = env[ENDPOINT_VARIABLE];
  if (ambient !== undefined && ambient !== '') return parse(ambient, ENDPOINT_VARIABLE);
  throw new Failure(
    'invalid-argument',
    'ENDPOINT_MISSING',
    `no Workload API address: neither ${field} nor the environment variable ${ENDPOINT_VARIABLE} is set`,
    {
      field,
      hint: `set it to the daemon's workload socket, for example ${ENDPOINT_VARIABLE}=unix:///run/assay/workload/api.sock`,
    },
  );
}

function parse(uri: string, field: string): Endpoint {
  const refuse = (why: string, hint: string): never => {
    throw new Failure('invalid-argument', 'ENDPOINT_INVALID', `${field} ${quote(uri)}: ${why}`, {
      field,
      value: uri,
      hint,
    });
  };
  // RFC 3986, appendix B, without the parts that WHATWG URL would fold or decode.
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(uri);
  if (parts === null) {
    return refuse(
      'not a URI with a scheme',
      `write ${uri.startsWith('/') ? `unix://${uri}` : 'unix:///absolute/path or tcp://127.0.0.1:8000'}`,
    );
  }
  const [, scheme = '', authority, path = '', query, fragment] = parts;
  // guard: WEP-10 WEP-11 test/client/endpoint.test.ts
  if (query !== undefined) return refuse('a query is not allowed', 'leave out everything from the "?"');
  if (fragment !== undefined) return refuse('a fragment is not allowed', 'leave out everything from the "#"');
  switch (scheme.toLowerCase()) {
    case 'unix':
      return parseUnix(uri, authority ?? '', path, refuse);
    case 'tcp':
      return parseTcp(uri, authority ?? '', path, refuse);
    default:
      return refuse(
        `the scheme ${quote(scheme)} is neither unix nor tcp`,
        'write unix:///absolute/path or tcp://127.0.0.1:8000',
      );
  }
}

type Refuse = (why: string, hint: string) => never;

/** WEP-10. */
function parseUnix(uri: string, authority: string, rawPath: string, refuse: Refuse): Endpoint {
  // guard: WEP-10 test/client/endpoint.test.ts
  if (authority !== '')
    return refuse(
      `${quote(authority)} stands where a host would; a unix socket has none`,
      'write three slashes: unix:///absolute/path',
    );
  // guard: WEP-10 test/client/endpoint.test.ts
  if (!rawPath.startsWith('/')) return refuse('the path is not absolute', 'write unix:///absolute/path');
  const path = decode(rawPath) ?? refuse('the path holds a broken percent-encoding', 'write "%25" for a percent sign');
  if (path.endsWith('/')) return refuse('the path names a folder', 'name the socket file itself');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) return refuse('the path holds a control character', 'choose a plain path');
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH)
    return refuse(
      `the path has ${bytes} bytes, and a unix socket address holds ${MAX_SOCKET_PATH}`,
      'choose a shorter path',
    );
  return { kind: 'unix', path, uri, target: `unix:${path}` };
}

/** WEP-11: an IP address and a port, and not even a lone slash after it. */
function parseTcp(uri: string, authority: string, path: string, refuse: Refuse): Endpoint {
  const example = 'write tcp://127.0.0.1:8000 or tcp://[::1]:8000';
  if (authority.includes('@')) return refuse('user information is not allowed', example);
  // guard: WEP-11 test/client/endpoint.test.ts
  if (path !== '') return refuse('a path is not allowed', example);
  const parts = /^(?:\[([^\]%]*)\]|([^:[\]]*))(?::([0-9]*))?$/.exec(authority);
  if (parts === null) return refuse('not an IP address and a port', example);
  const [, v6, v4, portText] = parts;
  // guard: WEP-11 test/client/endpoint.test.ts
  if (v6 === undefined ? !isIPv4(v4 ?? '') : !isIPv6(v6)) {
    return refuse(`the host ${quote(v6 ?? v4)} is not an IP address`, example);
  }
  if (portText === undefined || portText === '') return refuse('the port is missing', example);
  const port = Number(portText);
  if (port < 1 || port > 65_535) return refuse(`the port ${quote(portText)} is not between 1 and 65535`, example);
  const host = v6 ?? v4 ?? '';
  const target = v6 === undefined ? `ipv4:${host}:${port}` : `ipv6:[${host}]:${port}`;
  return { kind: 'tcp', host, port, uri, target };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
