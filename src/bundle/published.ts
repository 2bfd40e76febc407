// SPDX-License-Identifier: Apache-2.0
/** Our own trust domain's bundle whole, as everybody outside gets it: what each kind of authority publishes, and one number. */
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { JwtKeyRecord } from '../store/records.ts';

export interface PublishedBundle {
  readonly trustDomain: TrustDomain;
  /** DER, oldest first. Never empty. */
  readonly certificates: readonly Buffer[];
  /** Oldest first; none where JWT-SVIDs are switched off. */
  readonly jwtKeys: readonly JwtKeyRecord[];
  /** Oldest first; none unless they are switched on and meant for outside too. */
  readonly witKeys: readonly JwtKeyRecord[];
  /** Grows with each change of any part, also over a restart (BUN-03). */
  readonly sequence: number;
  /** The least that any part asks for (BUN-05). */
  readonly refreshHintSeconds: number;
}

interface Part {
  readonly refreshHintSeconds: number;
}

type TokenPart = Part & { keys(): readonly JwtKeyRecord[] };

/** `jwt`, `wit`: undefined where that kind is switched off, or its keys are not for outside. */
export function publishedBundle(
  x509: Part & { bundle(): Pick<PublishedBundle, 'trustDomain' | 'certificates'> },
  jwt: TokenPart | undefined,
  wit: TokenPart | undefined,
  store: { ownBundleSequence(): number },
): PublishedBundle {
  const { trustDomain, certificates } = x509.bundle();
  return {
    trustDomain,
    certificates,
    jwtKeys: jwt?.keys() ?? [],
    witKeys: wit?.keys() ?? [],
    sequence: store.ownBundleSequence(),
    refreshHintSeconds: Math.min(
      ...[x509, jwt, wit].map((part) => part?.refreshHintSeconds ?? Number.POSITIVE_INFINITY),
    ),
  };
}
