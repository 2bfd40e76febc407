// SPDX-License-Identifier: Apache-2.0
/** The revocation lists of our authorities: all of them as PEM at `/crl`, each as DER at `/crl/<authority id>` (RFC 5280 section 4.2.1.13). */
import { toPem } from '../x509/pem.ts';
import type { Route, Routes } from './routes.ts';

export interface CrlSource {
  /** DER, one each. */
  current(): readonly Buffer[];
  of(authorityId: string): Buffer | undefined;
}

/** A cache on the way must not hide a revocation for long. */
const CACHE = 'public, max-age=5, must-revalidate';
const ONE = /^\/crl\/([0-9a-f]{1,64})$/;

/** What is at other paths `rest` says. */
export function withCrlRoutes(crls: CrlSource, rest: Routes): Routes {
  const all: Route = () => ({
    contentType: 'application/x-pem-file',
    body: crls
      .current()
      .map((der) => toPem('X509 CRL', der))
      .join(''),
    cacheControl: CACHE,
  });
  return {
    get(path) {
      if (path === '/crl') return all;
      const [, id = ''] = ONE.exec(path) ?? [];
      const der = crls.of(id);
      if (der === undefined) return rest.get(path);
      return () => ({ contentType: 'application/pkix-crl', body: der, cacheControl: CACHE });
    },
  };
}
