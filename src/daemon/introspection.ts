// SPDX-License-Identifier: Apache-2.0
/** The listener for peers: what they may ask about tokens (docs/revocation.md). */
import type { TLSSocket } from 'node:tls';
import type { JwtAuthorities } from '../authority/jwt-authorities.ts';
import type { Config } from '../config/config.ts';
import { showAddress } from '../config/https.ts';
import type { Detectors } from '../detectors/detectors.ts';
import type { Replay } from '../detectors/rules.ts';
import { type FormRoute, MutualListener, type MutualPeer } from '../https/mutual-listener.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import { Introspection } from '../introspection/introspection.ts';
import { jwtKeysFor } from '../issuance/jwt-keys.ts';
import { Failure } from '../lib/failure.ts';
import type { Registry } from '../registry/registry.ts';
import type { Revocations } from '../revocation/revocations.ts';
import type { Store } from '../store/store.ts';
import { splitCertificates } from '../x509/parse.ts';
import { presentedChain } from '../x509/presented-chain.ts';
import { verifySvidChain } from '../x509/verify.ts';
import { OWN_PATH, type OwnSvidRooms, ownSvid } from './own-svid.ts';

export interface IntrospectionListenerRooms extends OwnSvidRooms {
  readonly config: Config;
  readonly trustDomain: TrustDomain;
  readonly store: Store;
  readonly registry: Registry;
  readonly revocations: Revocations;
  readonly jwt: JwtAuthorities | undefined;
  readonly detectors: Pick<Detectors, 'replayed'>;
}

export async function startIntrospection(rooms: IntrospectionListenerRooms): Promise<void> {
  const { config, trustDomain, clock, log, closers } = rooms;
  const { introspection, limits } = config;
  if (introspection === undefined) return;
  const listener = await MutualListener.start({
    ...introspection.listen,
    field: 'introspection.listen',
    certificate: await ownSvid(rooms, SpiffeId.of(trustDomain, OWN_PATH)),
    verify: (socket) => peerOf(socket, rooms),
    routes: routesOf(rooms),
    connections: limits.httpsConnections,
    connectionsPerAddress: limits.httpsConnectionsPerAddress,
    headerBytes: limits.headerBytes,
    clock,
    log,
  });
  closers.add('listener for peers', () => listener.close());
  log.info({ listen: showAddress(introspection.listen) }, 'the listener for peers is open');
}

/** Whoever has an X.509-SVID of our own trust domain, valid and not taken back. */
function peerOf(
  socket: TLSSocket,
  { authority, trustDomain, revocations, detectors, clock }: IntrospectionListenerRooms,
): MutualPeer {
  const chain = presentedChain(socket);
  const verify = (bundle: Buffer) => {
    const anchors = splitCertificates(bundle);
    return verifySvidChain(chain, (domain) => (domain.equals(trustDomain) ? anchors : undefined), clock.now());
  };
  let trusted = authority.bundle().der;
  const { spiffeId, leaf } = verify(trusted);
  // Whoever is revoked later is told so with its next request.
  if (revocations.isRevoked(leaf.serial)) {
    const by = socket.remoteAddress ?? 'an address that is gone';
    detectors.replayed({ kind: 'x509', serial: leaf.serial, identity: spiffeId.toString(), by });
    throw new Failure('permission-denied', 'PEER_REVOKED', `the certificate ${leaf.serial} of ${spiffeId} was revoked`);
  }
  const stillGood = () => {
    if (clock.now() >= leaf.notAfter || revocations.isRevoked(leaf.serial)) return false;
    const now = authority.bundle().der;
    if (now === trusted) return true;
    // guard: X509-17 test/daemon/introspection.test.ts — an authority may have left the bundle while the connection was open
    if (!verifies(() => verify(now))) return false;
    trusted = now;
    return true;
  };
  return { spiffeId: spiffeId.toString(), stillGood };
}

function verifies(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function routesOf({
  trustDomain,
  registry,
  authority,
  jwt,
  store,
  detectors,
  clock,
}: IntrospectionListenerRooms): ReadonlyMap<string, FormRoute> {
  const room = jwt && { authority: jwt, ttlMs: 0 };
  const keysOf = (domain: TrustDomain) =>
    room === undefined ? undefined : jwtKeysFor({ registry, authority }, room, new Set(), domain);
  const { revocations } = store;
  const replayed = (what: Replay): void => detectors.replayed(what);
  const introspection = new Introspection({ trustDomain, keysOf, issuances: store, revocations, replayed, clock });
  return new Map<string, FormRoute>([
    [
      '/introspect',
      (form, peer) => {
        const token = form.get('token');
        if (token === null || token === '') return missing();
        return { status: 200, body: introspection.introspect(token, peer.spiffeId) };
      },
    ],
    [
      '/revoke',
      async (form, peer) => {
        const token = form.get('token');
        if (token === null || token === '') return missing();
        if ((await introspection.revoke(token, peer.spiffeId)) === 'done') return { status: 200 };
        const error_description = 'a token is taken back by the identity that it is of';
        return { status: 400, body: { error: 'unauthorized_client', error_description } };
      },
    ],
  ]);
}

function missing(): { readonly status: number; readonly body: object } {
  return { status: 400, body: { error: 'invalid_request', error_description: 'the form has no token' } };
}
