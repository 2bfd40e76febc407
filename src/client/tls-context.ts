// SPDX-License-Identifier: Apache-2.0
/**
 * What every TLS connection of this library has in common, on both sides. Node is told to verify nothing and to trust
 * nothing: `verifyPeer` does, right after the handshake. What would let a connection live without that check is off:
 * resumption (a resumed session presents no chain) and renegotiation (which can change the peer afterwards). Node
 * never accepts early data.
 */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { toPem } from '../x509/pem.ts';
import type { X509Svid } from './x509-state.ts';

/** A fresh set for `createSecureContext` and for `server.setSecureContext`. */
export function contextOptions(svid: X509Svid): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: svid.chain.map((der) => toPem('CERTIFICATE', der)).join(''),
    key: svid.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    // An empty list and not none: none would mean the public web's roots, and their names in the server's request.
    ca: [],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    secureOptions: 0,
  };
  // guard: X509-17 test/client/resumption.test.ts
  options.secureOptions = (options.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET;
  // guard: X509-16 test/client/renegotiation.test.ts
  options.secureOptions = (options.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION;
  return options;
}

const contexts = new WeakMap<X509Svid, SecureContext>();

/** Made once for each SVID: parsing the key costs more than the rest of a connection's setup. */
export function secureContextOf(svid: X509Svid): SecureContext {
  const known = contexts.get(svid);
  if (known !== undefined) return known;
  const context = createSecureContext(contextOptions(svid));
  contexts.set(svid, context);
  return context;
}
