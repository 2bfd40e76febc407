// SPDX-License-Identifier: Apache-2.0
/** What differs between kinds of SVID that are bound to a key, and nothing else (`svid-errand.ts`). */
import type { Grant, Match } from '../registry/match.ts';
import type { SvidKind } from '../store/records.ts';

/** What is made for one grant: the SVID as it is sent, and what its row has to say of it. */
export interface Made<Svid> {
  readonly svid: Svid;
  readonly serial: string;
  readonly authorityId: string;
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly askedTtlMs: number;
  /** As of an `IssuedLeaf`. */
  readonly cutShortBy: number | undefined;
}

/** One kind of SVID. Everything is asked for anew each time. */
export interface Craft<Svid, State> {
  readonly kind: SvidKind;
  /** The grants of a match that this stream is about, in their order. May throw a Failure where there is none. */
  asked(match: Match): readonly Grant[];
  /** Those of them without which an answer is none. */
  needed(asked: readonly Grant[]): readonly Grant[];
  /** Beside SPIFFE ID and TTL, what an SVID is made from; another value means another SVID. */
  shape(grant: Grant): readonly unknown[];
  /** The authority that signs now. */
  signer(): string;
  /** The instant of its taint, minus infinity once it has left the bundle, undefined while it is in good standing. */
  distrustedSince(authorityId: string): number | undefined;
  mint(grant: Grant, ttlMs: number): Promise<Made<Svid>>;
  /** `carried`: the grants of the match but for those asked for and not issued. */
  assemble(svids: readonly Svid[], carried: readonly Grant[]): State;
  /** What is beside the SVIDs is the same. */
  sameRest(a: State, b: State): boolean;
}
