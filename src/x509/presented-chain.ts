// SPDX-License-Identifier: Apache-2.0
/** What the other end of a TLS connection presented. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CHAIN_MAX } from './verify.ts';

/**
 * The certificates of the handshake in the order they came, DER, and none from a local store. Node empties this list as it
 * hands it out, on its own side of a connection, so a second call would see a shorter chain.
 */
export function presentedChain(socket: TLSSocket): readonly Buffer[] {
  const chain: Buffer[] = [];
  let next: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length <= CHAIN_MAX) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}
