// SPDX-License-Identifier: Apache-2.0
/**
 * An agent for `https.request`: each new connection presents the newest SVID, and a request gets a connection only
 * after its peer was verified. Kept connections are used on, also over a rotation.
 */
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { requireAuthorizer } from './authorize.ts';
import { type Destination, type MtlsOptions, openVerified } from './connect.ts';
import type { X509Source } from './x509-source.ts';

/** `agent` takes Node's options for pooling, such as `keepAlive` and `maxSockets`. */
export function httpsAgent(
  source: X509Source,
  options: MtlsOptions & {
    readonly agent?: Pick<
      AgentOptions,
      'keepAlive' | 'keepAliveMsecs' | 'maxSockets' | 'maxFreeSockets' | 'maxTotalSockets' | 'scheduling' | 'timeout'
    >;
  },
): Agent {
  return new VerifyingAgent(source, options, { ...options.agent, maxCachedSessions: 0 });
}

class VerifyingAgent extends Agent {
  readonly #source: X509Source;
  readonly #mtls: MtlsOptions;

  constructor(source: X509Source, mtls: MtlsOptions, options: AgentOptions) {
    super(options);
    requireAuthorizer(mtls.authorize);
    this.#source = source;
    this.#mtls = mtls;
  }

  /** Node waits for the callback when nothing is returned, and writes to nothing before it. */
  override createConnection(
    options: object,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const { host, port, socketPath, servername, localAddress } = options as RequestOptions & { servername?: string };
    const to: Destination = {
      // `path` of these options is the request's, and no socket.
      ...(socketPath === undefined ? { host: host ?? 'localhost', port: Number(port ?? 443) } : { path: socketPath }),
      ...(servername === undefined ? {} : { servername }),
      ...(localAddress === undefined ? {} : { localAddress }),
      alpn: ['http/1.1'],
    };
    openVerified(this.#source, this.#mtls, to, (error, socket) => callback?.(error, socket as Duplex));
    return undefined;
  }
}
