// SPDX-License-Identifier: Apache-2.0
/** Bundles as JSON and as PEM. */
import { createHash } from 'node:crypto';
import type { WireBundle } from '../api/admin/wire.ts';
import { parseCertificate } from '../x509/parse.ts';
import { toPem } from '../x509/pem.ts';
import type { Io } from './io.ts';
import { instant } from './print.ts';

export function bundleJson(bundle: WireBundle): object {
  return {
    trust_domain: bundle.trust_domain,
    sequence: bundle.sequence === '0' ? null : Number(bundle.sequence),
    refresh_hint_seconds: bundle.refresh_hint_seconds === '0' ? null : Number(bundle.refresh_hint_seconds),
    updated_at: bundle.updated_at === '0' ? null : instant(Number(bundle.updated_at)),
    updated_by: bundle.updated_by === '' ? null : bundle.updated_by,
    x509_certificates: bundle.x509_certificates.map(certificateJson),
  };
}

/** A line for people, and a warning where it trusts nobody. */
export function sayBundle(io: Io, bundle: WireBundle): void {
  const count = bundle.x509_certificates.length;
  if (count === 0) io.talk(`warning: the bundle is empty, so nothing of ${bundle.trust_domain} is trusted any more\n`);
  io.out(`${bundle.trust_domain}: ${count} ${count === 1 ? 'certificate' : 'certificates'}\n`);
}

export function bundlePem(bundle: WireBundle): string {
  return bundle.x509_certificates.map((der) => toPem('CERTIFICATE', der)).join('');
}

function certificateJson(der: Buffer): object {
  const { serial, notBefore, notAfter } = parseCertificate(der);
  return {
    serial,
    sha256: createHash('sha256').update(der).digest('hex'),
    not_before: instant(notBefore),
    not_after: instant(notAfter),
    pem: toPem('CERTIFICATE', der),
  };
}
