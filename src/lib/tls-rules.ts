// SPDX-License-Identifier: Apache-2.0
/**
 * What TLS is spoken here: versions 1.2 and 1.3 with forward secrecy and authenticated encryption, and nothing else (SPIFFE
 * Federation section 5.2.1: Mozilla's "intermediate" or better, here without its finite-field Diffie-Hellman; FED-06).
 */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

const CIPHERS = [
  // TLS 1.3
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  // TLS 1.2
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** For both ends. No session tickets: their key would open old connections. No renegotiation: it can change the peer. */
export function tlsRules(): SecureContextOptions {
  return {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    // guard: FED-06 test/https/tls.test.ts
    ciphers: CIPHERS,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}
