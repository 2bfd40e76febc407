// SPDX-License-Identifier: Apache-2.0
/** A root of another trust domain, made by openssl, so that nothing of ours vouches for itself. */
import { execFileSync } from 'node:child_process';

/** PEM of a fresh self-signed SPIFFE CA. */
export function foreignRoot(trustDomain: string): Buffer {
  const subject = ['-subj', `/O=Other/serialNumber=${Date.now()}`];
  const extensions = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
    `subjectAltName=URI:spiffe://${trustDomain}`,
  ].flatMap((line) => ['-addext', line]);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', '/dev/null'];
  const args = ['req', '-x509', '-days', '2', ...key, ...subject, ...extensions];
  return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
}
