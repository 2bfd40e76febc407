// SPDX-License-Identifier: Apache-2.0
/** The HTTPS listener made of the other rooms: which certificate it shows, which documents it serves. */
import type { X509Authority } from '../authority/authority.ts';
import type { ClockGuard } from '../authority/clock-guard.ts';
import { renderSpiffeBundle } from '../bundle/document.ts';
import type { PublishedBundle } from '../bundle/published.ts';
import type { Config } from '../config/config.ts';
import { type HttpsConfig, showAddress } from '../config/https.ts';
import { bundleRoute, type OwnDocument } from '../https/bundle-route.ts';
import { type CrlSource, withCrlRoutes } from '../https/crl-routes.ts';
import { type CertificateSource, HttpsListener } from '../https/listener.ts';
import type { Route, Routes } from '../https/routes.ts';
import { WebCertificate } from '../https/web-certificate.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { Clock } from '../lib/clock.ts';
import type { Closers } from '../lib/closers.ts';
import type { Random } from '../lib/random.ts';
import type { Check } from '../telemetry/check.ts';
import type { Logger } from '../telemetry/logger.ts';
import { oidcRoutes, whyUnserved } from './oidc.ts';
import { OWN_PATH, ownSvid } from './own-svid.ts';

export interface HttpsRooms {
  readonly config: Config;
  readonly uid: number;
  readonly trustDomain: TrustDomain;
  readonly authority: X509Authority;
  readonly ownBundle: () => PublishedBundle;
  readonly crls: CrlSource;
  readonly clockGuard: ClockGuard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly closers: Closers;
}

/** What `assay doctor` is told. */
export type HttpsCheck = () => readonly Check[];

const SOON_MS = 7 * 86_400_000;

export async function startHttps(rooms: HttpsRooms): Promise<HttpsCheck> {
  const { https, limits } = rooms.config;
  if (https === undefined) return () => [];
  const { source, check } = await certificateOf(rooms, https);
  const listener = await HttpsListener.start({
    ...https.listen,
    certificate: source,
    routes: routesOf(rooms),
    connections: limits.httpsConnections,
    connectionsPerAddress: limits.httpsConnectionsPerAddress,
    headerBytes: limits.headerBytes,
    clock: rooms.clock,
    log: rooms.log,
  });
  rooms.closers.add('HTTPS listener', () => listener.close());
  rooms.log.info({ listen: showAddress(https.listen) }, 'the HTTPS listener is open');
  return () => [check(showAddress(https.listen))];
}

function routesOf({ config, ownBundle, crls }: HttpsRooms): Routes {
  const routes = new Map<string, Route>();
  const { bundleEndpoint } = config.federation;
  const { issuer, pss } = config.jwt;
  if (issuer !== undefined && whyUnserved(config) === '') {
    for (const [path, route] of oidcRoutes({ issuer, pss }, ownBundle)) routes.set(path, route);
  }
  if (bundleEndpoint !== undefined) routes.set(bundleEndpoint.path, bundleRoute(documentOf(ownBundle)));
  return withCrlRoutes(crls, routes);
}

/** Written once for each state of the bundle: a flood of requests costs no more than its bytes. */
function documentOf(ownBundle: () => PublishedBundle): () => OwnDocument {
  let last: (OwnDocument & { readonly sequence: number }) | undefined;
  return () => {
    const bundle = ownBundle();
    const { sequence, refreshHintSeconds } = bundle;
    if (last?.sequence !== sequence || last.refreshHintSeconds !== refreshHintSeconds)
      last = { text: renderSpiffeBundle(bundle), sequence, refreshHintSeconds };
    return last;
  };
}

interface Shown {
  readonly source: CertificateSource;
  readonly check: (at: string) => Check;
}

async function certificateOf(rooms: HttpsRooms, { files }: HttpsConfig): Promise<Shown> {
  return files === undefined ? ofSvid(rooms) : ofFiles(rooms, files);
}

async function ofFiles(rooms: HttpsRooms, files: { readonly cert: string; readonly key: string }): Promise<Shown> {
  const { uid, clock, log, closers } = rooms;
  const gid = process.getegid?.() ?? 0;
  const source = await WebCertificate.open({ certPath: files.cert, keyPath: files.key, uid, gid, clock, log });
  closers.add('HTTPS certificate', () => source.close());
  const check = (at: string): Check => {
    const { names, notAfter } = source.facts;
    const left = notAfter - clock.now();
    const text = `${at} shows a certificate for ${names} until ${new Date(notAfter).toISOString()}`;
    const status = left <= 0 ? 'fail' : left < SOON_MS ? 'warn' : 'ok';
    return {
      name: 'https',
      status,
      text,
      ...(status === 'ok' ? {} : { hint: 'renew https.cert; it is read anew by itself' }),
    };
  };
  return { source, check };
}

async function ofSvid(rooms: HttpsRooms): Promise<Shown> {
  const { config, trustDomain, clock } = rooms;
  const spiffeId = config.federation.bundleEndpoint?.spiffeId ?? SpiffeId.of(trustDomain, OWN_PATH);
  const source = await ownSvid(rooms, spiffeId);
  const check = (at: string): Check => {
    const isValid = clock.now() < source.notAfter;
    const until = new Date(source.notAfter).toISOString();
    if (isValid) return { name: 'https', status: 'ok', text: `${at} shows ${spiffeId} until ${until}` };
    return { name: 'https', status: 'fail', text: `${at} has no valid SVID of ${spiffeId}`, hint: 'assay ca show' };
  };
  return { source, check };
}
