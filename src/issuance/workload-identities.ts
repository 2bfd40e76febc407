// SPDX-License-Identifier: Apache-2.0
/**
 * The one small interface behind every door (Workload API, SDS, later Broker): the identities of this caller, now
 * and on every change. A lone daemon answers it from its own authority; later a node agent answers from a server.
 *
 * A follower is told whole states, never deltas, one at a time: the next is made only after `send` of the one before has
 * resolved, and it is then the newest there is. After `end` nothing more is sent.
 */
import type { JwtSvidClaims } from '../jwt/svid.ts';
import type { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';

/** One X509-SVID with its key, as it stands in the caller's hands. */
export interface X509SvidState {
  readonly spiffeId: string;
  /** DER, leaf first, back to back. */
  readonly chain: Buffer;
  /** PKCS#8 DER. */
  readonly privateKey: Buffer;
  readonly hint: string;
}

export interface X509State {
  /** Never empty where all are wanted; the default identity first. */
  readonly svids: readonly X509SvidState[];
  /** Our own trust domain's anchors, DER back to back. Never empty. */
  readonly bundle: Buffer;
  /** Trust domain ID -> DER back to back; never our own. */
  readonly federated: ReadonlyMap<string, Buffer>;
  /** Revocation lists of our own authorities, DER, one each. */
  readonly crls: readonly Buffer[];
}

/** Some of a caller's identities. */
export interface WantedIdentities {
  /** The default one. */
  readonly first: boolean;
  readonly spiffeIds: ReadonlySet<string>;
}

export interface X509BundlesState {
  /** Trust domain ID -> DER back to back; our own always among them. */
  readonly bundles: ReadonlyMap<string, Buffer>;
  readonly crls: readonly Buffer[];
}

export interface JwtBundlesState {
  /** Trust domain ID -> a JWK set (RFC 7517); our own always among them. */
  readonly bundles: ReadonlyMap<string, Buffer>;
}

export interface WitBundlesState {
  /** Trust domain ID -> a JWK set of WIT keys; our own always among them. */
  readonly bundles: ReadonlyMap<string, Buffer>;
}

/** A token and the key without which it is worth nothing. */
export interface WitSvidState {
  readonly spiffeId: string;
  readonly token: string;
  /** A private JWK, JSON text. */
  readonly privateKey: string;
  readonly hint: string;
}

export interface WitState {
  /** Never empty; the default identity first. */
  readonly svids: readonly WitSvidState[];
}

/** A token, which is as good as the identity to whoever has it. */
export interface JwtSvidState {
  readonly spiffeId: string;
  readonly token: string;
  readonly hint: string;
}

/** One process that asks for tokens, and has tokens checked. */
export interface JwtCaller {
  /**
   * One token for each identity that is granted, the default one first; for `spiffeId` alone where that is not empty. `answer`
   * is called at most once, in the same breath as the last look at the caller. Rejects with a Failure.
   */
  fetch(
    asked: { readonly audiences: readonly string[]; readonly spiffeId: string },
    signal: AbortSignal,
    answer: (svids: readonly JwtSvidState[]) => void,
  ): Promise<void>;
  validate(
    asked: { readonly token: string; readonly audience: string },
    signal: AbortSignal,
    answer: (checked: JwtSvidClaims) => void,
  ): Promise<void>;
  /** Its connection has closed. Idempotent. */
  close(): void;
}

export interface Follower<State> {
  /** Sends the whole state. Resolves when the caller's connection has taken it; rejects when it cannot. */
  send(state: State): Promise<void>;
  /** Ends the stream with a status. Called at most once, and not after the caller itself has gone. */
  end(failure: Failure): void;
}

export interface Following {
  /** The caller went away, or no longer listens. Idempotent. */
  stop(): void;
}

export interface WorkloadIdentities {
  /** Undefined where JWT-SVIDs are switched off. */
  readonly jwt?: JwtIdentities | undefined;
  /** Undefined where WIT-SVIDs are switched off. */
  readonly wit?: WitIdentities | undefined;
  /** Where `wanted` is given, nothing is issued for other identities, and `svids` is empty when the caller has none of these. */
  followX509(process: ProcessHandle, follower: Follower<X509State>, wanted?: WantedIdentities): Following;
  followX509Bundles(process: ProcessHandle, follower: Follower<X509BundlesState>): Following;
}

export interface WitIdentities {
  /** Of `spiffeId` alone where that is not empty. Throws a Failure where that is no ID of a workload. */
  follow(process: ProcessHandle, spiffeId: string, follower: Follower<WitState>): Following;
  followBundles(process: ProcessHandle, follower: Follower<WitBundlesState>): Following;
}

export interface JwtIdentities {
  followBundles(process: ProcessHandle, follower: Follower<JwtBundlesState>): Following;
  caller(process: ProcessHandle): JwtCaller;
}
