// SPDX-License-Identifier: Apache-2.0
/** X509-SVIDs, their keys and bundles as files, with the names that spire-agent uses. */
import type { X509State } from '../client/x509-state.ts';
import { toPem } from '../x509/pem.ts';
import { type File, writeFiles } from './write-files.ts';

const OURS = /^(?:svid\.\d+\.(?:pem|key)|bundle\.\d+\.pem|federated_bundle\.\d+\.\d+\.pem)$/;

/** The paths written, in order. */
export function writeX509(folder: string, state: X509State): Promise<readonly string[]> {
  return writeFiles(folder, filesOf(state), OURS);
}

function filesOf(state: X509State): readonly File[] {
  const files: File[] = [];
  const pem = (certificates: readonly Buffer[]): string =>
    certificates.map((der) => toPem('CERTIFICATE', der)).join('');
  for (const [at, svid] of state.svids.entries()) {
    const own = svid.spiffeId.trustDomain.name;
    const key = svid.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    files.push({ name: `svid.${at}.key`, text: key, mode: 0o600 });
    files.push({ name: `svid.${at}.pem`, text: pem(svid.chain), mode: 0o644 });
    files.push({ name: `bundle.${at}.pem`, text: pem(state.bundles.get(own) ?? []), mode: 0o644 });
    const foreign = [...state.bundles].filter(([name]) => name !== own).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [number, [, certificates]] of foreign.entries()) {
      files.push({ name: `federated_bundle.${at}.${number}.pem`, text: pem(certificates), mode: 0o644 });
    }
  }
  return files;
}
