// SPDX-License-Identifier: Apache-2.0
/**
 * Who may be at the other end. Verification proves which SPIFFE ID a peer has; an authoriser says whether that one is
 * wanted here. There is no default: whoever opens or accepts a connection chooses.
 */
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Failure } from '../lib/failure.ts';
import type { Peer } from './peer.ts';

/** What these look at: a TLS peer and the subject of a token both have it. */
interface Named {
  readonly spiffeId: SpiffeId;
}

/** Admits only by returning exactly `true`; anything else, a promise too, refuses. `wants` is said in the refusal. */
export interface Authorizer<Who = Peer> {
  (peer: Who): boolean;
  readonly wants?: string;
}

/** Exactly this ID, or one of these. */
export function authorizeId(...ids: readonly [string | SpiffeId, ...(string | SpiffeId)[]]): Authorizer<Named> {
  if (ids.length === 0)
    throw new Failure('invalid-argument', 'AUTHORIZER_EMPTY', 'authorizeId needs at least one SPIFFE ID');
  const wanted = ids.map((id) => (id instanceof SpiffeId ? id : SpiffeId.parseWorkload(id, 'authorizeId')));
  return named((peer) => wanted.some((id) => id.equals(peer.spiffeId)), wanted.join(' or '));
}

/** Any workload of this trust domain, or of one of these. Its bundle has to be known as well. */
export function authorizeMemberOf(
  ...names: readonly [string | TrustDomain, ...(string | TrustDomain)[]]
): Authorizer<Named> {
  if (names.length === 0)
    throw new Failure('invalid-argument', 'AUTHORIZER_EMPTY', 'authorizeMemberOf needs at least one trust domain');
  const wanted = names.map((name) =>
    name instanceof TrustDomain ? name : TrustDomain.parse(name, 'authorizeMemberOf'),
  );
  return named((peer) => wanted.some((domain) => peer.spiffeId.memberOf(domain)), `a member of ${wanted.join(' or ')}`);
}

/** Any peer with a valid SVID of any trust domain whose bundle is known: the caller decides later, by `peerOf`. */
export function authorizeAny(): Authorizer<Named> {
  return named(() => true, 'anyone with a valid SVID');
}

function named(admits: (peer: Named) => boolean, wants: string): Authorizer<Named> {
  return Object.assign((peer: Named) => admits(peer), { wants });
}

/** Throws unless `authorize` is a function: left out by mistake must not mean everyone. */
export function requireAuthorizer<Who>(authorize: Authorizer<Who>): Authorizer<Who> {
  if (typeof authorize === 'function') return authorize;
  throw new Failure(
    'invalid-argument',
    'AUTHORIZER_MISSING',
    'authorize is missing: nobody said who may be at the other end',
    {
      field: 'authorize',
      hint: 'pass authorizeId(...), authorizeMemberOf(...) or, when a later step decides, authorizeAny()',
    },
  );
}
