// SPDX-License-Identifier: Apache-2.0
/** What came over the Workload API, without keys: those are written to files or not at all. */
import type { X509State } from '../client/x509-state.ts';
import { toPem } from '../x509/pem.ts';
import type { Io } from './io.ts';
import { instant, printFields, when } from './print.ts';

export function x509Json(state: X509State): object {
  return {
    svids: state.svids.map((svid) => ({
      spiffe_id: svid.spiffeId.toString(),
      hint: svid.hint,
      serial: svid.serial,
      not_before: instant(svid.notBefore),
      not_after: instant(svid.notAfter),
      x509_svid: svid.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
    })),
    bundles: [...state.bundles].map(([trust_domain, certificates]) => ({
      trust_domain,
      x509_certificates: certificates.map((der) => toPem('CERTIFICATE', der)),
    })),
  };
}

export function printX509(io: Io, state: X509State): void {
  const now = io.now();
  for (const [at, svid] of state.svids.entries()) {
    if (at > 0) io.out('\n');
    printFields(io, [
      ['spiffe id', svid.spiffeId.toString()],
      ['hint', svid.hint === '' ? undefined : svid.hint],
      ['serial', svid.serial],
      ['not before', when(svid.notBefore, now)],
      ['not after', when(svid.notAfter, now)],
    ]);
  }
  io.out('\n');
  for (const [name, certificates] of state.bundles) {
    const count = certificates.length;
    printFields(io, [['bundle', `${name}: ${count} ${count === 1 ? 'certificate' : 'certificates'}`]]);
  }
}
