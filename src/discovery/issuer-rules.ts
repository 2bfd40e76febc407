// SPDX-License-Identifier: Apache-2.0
/** What verifiers want of an issuer's URL itself (OpenID Connect Discovery 1.0 section 3; IAM, CreateOpenIDConnectProvider). */
import { HttpsUrl } from '../lib/https-url.ts';
import { broken, type Finding, fine } from './finding.ts';

const NAME = 'issuer';
/** IAM, CreateOpenIDConnectProvider. */
const LONGEST_AWS = 255;
/** Microsoft Graph, federatedIdentityCredential. */
const LONGEST_AZURE = 600;

/** Undefined where it is no address that a verifier could ask. */
export function issuerUrl(issuer: string): HttpsUrl | undefined {
  try {
    const url = HttpsUrl.parse(issuer, 'jwt.issuer');
    return /[?#]/.test(issuer) || issuer.endsWith('/') ? undefined : url;
  } catch {
    return undefined;
  }
}

export function checkIssuer(issuer: string): Finding {
  const url = issuerUrl(issuer);
  const change = 'set jwt.issuer to https://HOST or https://HOST/PATH';
  if (url === undefined)
    return broken(NAME, `${issuer} is no https address without query, fragment and slash at its end`, change);
  if (issuer.length > LONGEST_AZURE)
    return broken(NAME, `it has ${issuer.length} characters`, change, ['aws', 'azure']);
  if (issuer.length > LONGEST_AWS) return broken(NAME, `it has ${issuer.length} characters`, change, ['aws']);
  if (/^https:\/\/(?:\[[^\]]*\]|[^/:]*):/.test(issuer))
    return broken(NAME, `${issuer} names a port`, `${change}, and serve it on port 443`, ['aws']);
  return fine(NAME, `${issuer} is an https address`);
}
