// SPDX-License-Identifier: Apache-2.0
/**
 * Proves who is at the other end of one TLS connection. Node's own check knows one pool of roots for each context, and
 * in a pool every trust domain can vouch for every other (X509-17). So the chain that the peer presented is checked
 * here, against the anchors of the leaf's own trust domain alone. Call once, in the tick in which the handshake ends,
 * before anything can read or write; callers hand the connection on only when this returned.
 */
import type { TLSSocket } from 'node:tls';
import type { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import { parseCertificate } from '../x509/parse.ts';
import { presentedChain } from '../x509/presented-chain.ts';
import { verifySvidChain } from '../x509/verify.ts';
import type { Authorizer } from './authorize.ts';
import type { Listable } from './crl-book.ts';
import { peerRevoked } from './open-peers.ts';

export interface PeerIdentity {
  readonly spiffeId: SpiffeId;
  /** Of its certificate, lower-case hex. */
  readonly serial: string;
  /** Milliseconds UTC. */
  readonly notAfter: number;
}

export interface Peer extends PeerIdentity {
  /** What it presented, DER, leaf first. */
  readonly chain: readonly Buffer[];
}

export interface PeerRules {
  readonly authorize: Authorizer;
  readonly anchorsOf: (domain: TrustDomain) => readonly Buffer[] | undefined;
  readonly now: number;
  readonly revocation: Revocation;
}

export interface Revocation {
  isRevoked(certificate: Listable): boolean;
  /** The connection is handed out; it is destroyed when one of the peer's certificates is revoked. */
  opened(socket: TLSSocket, path: readonly Listable[]): void;
}

const peers = new WeakMap<object, Peer>();

/** Who was proven to be at the other end of this connection; throws for one that nobody checked. */
export function peerOf(socket: object): Peer {
  const peer = peers.get(socket);
  if (peer !== undefined) return peer;
  throw new Failure(
    'failed-precondition',
    'PEER_UNKNOWN',
    'this connection was not opened or accepted by assay/client, so its peer was not verified',
    {
      hint: 'give peerOf the socket of a connection made here, for example request.socket',
    },
  );
}

/** Throws a Failure `PEER_REFUSED` that says why; whoever catches it destroys the connection. */
export function verifyPeer(socket: TLSSocket, rules: PeerRules): Peer {
  // guard: X509-17 test/client/resumption.test.ts
  if (socket.isSessionReused())
    throw refusal('PEER_SESSION_RESUMED', 'it resumed an earlier session, in which nothing is verified anew');
  const chain = presentedChain(socket);
  if (chain.length === 0)
    throw refusal('PEER_WITHOUT_CERTIFICATE', 'it presented no certificate, so it has no identity here');
  const { spiffeId, leaf } = verified(chain, rules);
  // An intermediate that is revoked takes along whom it vouches for (RFC 5280 section 6.1.3 (a)(3)).
  const path = [leaf, ...chain.slice(1).map((der) => parseCertificate(der))];
  const revoked = path.find((one) => rules.revocation.isRevoked(one));
  // guard: WAPI-39 test/client/revocation.test.ts
  if (revoked !== undefined) throw peerRevoked(revoked.serial);
  const peer: Peer = { spiffeId, serial: leaf.serial, notAfter: leaf.notAfter, chain };
  const wants = rules.authorize.wants ?? 'what the authorize function admits';
  // Exactly true: a promise, or a function that forgot to answer, admits nobody.
  // guard: I8 test/client/server.test.ts
  if (rules.authorize(peer) !== true) throw refusal('PEER_NOT_AUTHORIZED', `it is ${spiffeId}, and wanted is ${wants}`);
  peers.set(socket, peer);
  markAuthorized(socket);
  rules.revocation.opened(socket, path);
  return peer;
}

function verified(chain: readonly Buffer[], rules: PeerRules): ReturnType<typeof verifySvidChain> {
  try {
    return verifySvidChain(chain, rules.anchorsOf, rules.now);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new Failure('permission-denied', 'PEER_SVID_INVALID', error.message, { cause: error, ...hint });
  }
}

/** What Node, grpc-js and HTTP frameworks ask to learn whether the peer was verified. Now it was. */
function markAuthorized(socket: TLSSocket): void {
  socket.authorized = true;
  Object.assign(socket, { authorizationError: null });
}

function refusal(reason: string, why: string, cause?: unknown): Failure {
  return new Failure('permission-denied', reason, `peer refused: ${why}`, { cause });
}
