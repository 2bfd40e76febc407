// SPDX-License-Identifier: Apache-2.0
/** The authorities that sign tokens, where they are switched on. */
import { JwtAuthorities, type JwtAuthoritiesOptions } from '../authority/jwt-authorities.ts';
import { JwtAuthority, type JwtAuthorityOptions } from '../authority/jwt-authority.ts';
import type { Config } from '../config/config.ts';

export function startJwt(
  { jwt, workloadApi }: Config,
  rooms: Omit<JwtAuthoritiesOptions, 'keyType' | 'pss' | 'issuer' | 'rsa'>,
): Promise<JwtAuthorities> | undefined {
  return workloadApi.jwt ? JwtAuthorities.start({ ...rooms, ...jwt }) : undefined;
}

/** Keys of the kind that JWT-SVIDs have, and none of theirs (WIT-18). An issuer that answers to OpenID is none for them (WIT-13). */
export function startWit(
  { jwt, experimental }: Config,
  rooms: Omit<JwtAuthorityOptions, 'keyType' | 'pss' | 'issuer'>,
): Promise<JwtAuthority> | undefined {
  // guard: WAPI-02 test/conformance/wit.test.ts
  if (!experimental.wit) return undefined;
  return JwtAuthority.start({ ...rooms, ...jwt, issuer: undefined, kind: 'wit' });
}
