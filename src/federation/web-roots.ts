// SPDX-License-Identifier: Apache-2.0
/**
 * Whom `https_web` believes (FED-15): the authorities that this machine trusts, or those of one file that the configuration
 * names. The machine's are read once, at the first use: hundreds of certificates, a tenth of a second. The file is read anew
 * each time.
 */
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Failure } from '../lib/failure.ts';
import { tlsRules } from '../lib/tls-rules.ts';
import { fromPem } from '../x509/pem.ts';

export function webRoots(readFile: (() => Promise<string>) | undefined): () => Promise<SecureContext> {
  if (readFile !== undefined) {
    return async () => {
      const text = await readFile();
      if (fromPem(text, 'CERTIFICATE').length === 0) throw none('the file of federation.ca_file holds no certificate');
      return createSecureContext({ ...tlsRules(), ca: text });
    };
  }
  let known: SecureContext | undefined;
  return async () => {
    known ??= createSecureContext({ ...tlsRules(), ca: systemRoots() });
    return known;
  };
}

/** Each once: the machine's store has most of them under several names. */
function systemRoots(): string[] {
  const found = [...new Set(getCACertificates('system'))];
  // An empty list would make Node trust a list of its own.
  if (found.length === 0) throw none('this machine trusts no authority of the web');
  return found;
}

function none(why: string): Failure {
  return new Failure('failed-precondition', 'WEB_ROOTS_MISSING', `no endpoint can prove itself by https_web: ${why}`, {
    field: 'federation.ca_file',
    hint: 'install ca-certificates, or name a file of certificates in federation.ca_file',
  });
}
