// SPDX-License-Identifier: Apache-2.0
/**
 * A TLS connection to a bundle endpoint, handed out once the endpoint has proven itself (SPIFFE Federation section 5.2):
 *
 * - `https_web`: a chain to the roots of the web, and a certificate for the host (RFC 9525; FED-15);
 * - `https_spiffe`: an X.509-SVID that the bundle of the endpoint's own trust domain vouches for, of exactly the configured ID.
 *   The host's name is not looked at (FED-16).
 */
import type { LookupFunction } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Failure } from '../lib/failure.ts';
import type { HttpsUrl } from '../lib/https-url.ts';
import { tlsRules } from '../lib/tls-rules.ts';
import { isUnproven, OTHER_HOST } from '../lib/tls-trouble.ts';
import { presentedChain } from '../x509/presented-chain.ts';
import { verifySvidChain } from '../x509/verify.ts';
import type { Endpoint } from './relationship.ts';
import { noEndpointBundle, unreachable, untrusted } from './trouble.ts';

export interface EndpointTrust {
  /** The web's roots, in a context of `tlsRules`. */
  webContext(): Promise<SecureContext>;
  /** The newest bundle of a trust domain, DER; undefined where there is none. */
  anchorsOf(trustDomain: TrustDomain): readonly Buffer[] | undefined;
  now(): number;
  readonly lookup: LookupFunction;
}

/** Whoever gets the socket destroys it. */
export async function connectEndpoint(
  url: HttpsUrl,
  endpoint: Endpoint,
  trust: EndpointTrust,
  signal: AbortSignal,
): Promise<TLSSocket> {
  switch (endpoint.profile) {
    case 'https_web':
      return open(
        url,
        { secureContext: await trust.webContext(), rejectUnauthorized: true, lookup: trust.lookup },
        signal,
      );
    case 'https_spiffe': {
      const { spiffeId } = endpoint;
      // guard: FED-18 test/federation/fetch.test.ts — without it nothing is asked for
      if (trust.anchorsOf(spiffeId.trustDomain) === undefined)
        throw noEndpointBundle(spiffeId.trustDomain.name, spiffeId.toString());
      const socket = await open(
        url,
        { secureContext: nobodysContext(), rejectUnauthorized: false, lookup: trust.lookup },
        signal,
      );
      try {
        proveSpiffe(url, socket, spiffeId, trust);
        return socket;
      } catch (error) {
        socket.destroy();
        throw error;
      }
    }
  }
}

/** `rejectUnauthorized`: whether Node judges chain and host, or we do afterwards. */
interface Terms {
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  readonly lookup: LookupFunction;
}

function open(url: HttpsUrl, terms: Terms, signal: AbortSignal): Promise<TLSSocket> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const { host, port, serverName } = url;
    const socket = connect({
      host,
      port,
      ...terms,
      ALPNProtocols: ['http/1.1'],
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    const settle = (error: Error | undefined): void => {
      signal.removeEventListener('abort', abort);
      socket.off('error', failed).off('close', closed);
      if (error === undefined) resolve(socket);
      else {
        // It may still have something to say, which concerns nobody any more.
        socket.on('error', () => undefined).destroy();
        reject(error);
      }
    };
    const abort = (): void => settle(signal.reason as Error);
    const failed = (error: Error): void => settle(explained(url, error));
    const closed = (): void => settle(unreachable(url, new Error('closed before the end of the handshake')));
    signal.addEventListener('abort', abort, { once: true });
    socket
      .on('error', failed)
      .once('close', closed)
      .once('secureConnect', () => settle(undefined));
  });
}

/** Trusts no root: who answers is proven afterwards, and not by one pool of all bundles (X509-17). */
function nobodysContext(): SecureContext {
  return createSecureContext({ ...tlsRules(), ca: [] });
}

function proveSpiffe(url: HttpsUrl, socket: TLSSocket, wanted: SpiffeId, trust: EndpointTrust): void {
  const anchorsOf = (domain: TrustDomain): readonly Buffer[] | undefined =>
    domain.equals(wanted.trustDomain) ? trust.anchorsOf(domain) : undefined;
  const { spiffeId } = verified(url, presentedChain(socket), anchorsOf, trust.now());
  // guard: FED-16 test/federation/fetch.test.ts — another workload of that trust domain does not speak for its bundle
  if (!spiffeId.equals(wanted))
    throw untrusted(url, `it is ${spiffeId}, and wanted is ${wanted}`, 'compare the two IDs');
}

function verified(
  url: HttpsUrl,
  chain: readonly Buffer[],
  anchorsOf: EndpointTrust['anchorsOf'],
  now: number,
): ReturnType<typeof verifySvidChain> {
  try {
    return verifySvidChain(chain, anchorsOf, now);
  } catch (error) {
    const { message, hint } = error as Failure;
    throw untrusted(url, message, hint ?? 'compare the stored bundle with that of the endpoint', error);
  }
}

function explained(url: HttpsUrl, error: Error & { readonly code?: string }): Failure {
  const { code = '' } = error;
  if (!isUnproven(code)) return unreachable(url, error);
  const why = code === OTHER_HOST ? 'its certificate is for another host' : `TLS failed (${code})`;
  return untrusted(url, why, 'compare its certificate with the host and the authorities that are trusted here', error);
}
