// SPDX-License-Identifier: Apache-2.0
/** What Node and OpenSSL say of a handshake that failed. */

/** Node's list of X509 errors, and RFC 9525 for the name. */
const UNPROVEN =
  /^(?:ERR_TLS_CERT_ALTNAME_INVALID|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_SSL_|ERROR_IN_CERT_|INVALID_|PATH_LENGTH_|HOSTNAME_MISMATCH|EE_|CA_)/;

/** True when the other end was reached and its chain does not prove the host. */
export function isUnproven(code: string): boolean {
  return UNPROVEN.test(code);
}

/** The certificate itself is good, and names others. */
export const OTHER_HOST = 'ERR_TLS_CERT_ALTNAME_INVALID';
