// SPDX-License-Identifier: Apache-2.0
/** The few things the one path asks of other rooms, stated where they are needed. */
import type { Attested } from '../attestation/attested.ts';
import type { IssuedLeaf, LeafRequest } from '../authority/authority.ts';
import type { IssuedToken, TokenRequest } from '../authority/jwt-authority.ts';
import type { OwnBundle } from '../bundle/own-bundle.ts';
import type { Strength } from '../identity/strength.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant, Lease, Match } from '../registry/match.ts';
import type { BundleRecord, Change, EntryRecord, JwtKeyRecord, NewIssuance, SvidKind } from '../store/records.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface Rooms {
  readonly attestation: {
    attest(process: ProcessHandle, signal: AbortSignal): Promise<Attested>;
    /** Each ground, as in `Attested.restsOn`, that may no longer hold. Returns the undo. */
    onChange(listener: (ground: string) => void): () => void;
    /** The first open stream rests on this ground from now on, or the last one no longer does. */
    restedOn(ground: string, resting: boolean): void;
  };
  readonly registry: {
    /** `lease`: of a task, nothing but its identity. */
    match(selectors: ReadonlyMap<string, Strength>, now: number, lease?: Lease): Match;
    entriesOf(spiffeId: string): readonly EntryRecord[];
    foreignBundle(trustDomain: string): BundleRecord | undefined;
    /** Does an entry name a selector of this on-demand kind, `type:kind`? */
    names(kind: string): boolean;
  };
  readonly authority: {
    active(): { readonly authorityId: string };
    /** The instant of its taint, minus infinity once it has left the bundle, undefined while it is in good standing. */
    distrustedSince(authorityId: string): number | undefined;
    mintLeaf(request: LeafRequest): Promise<IssuedLeaf>;
    bundle(): OwnBundle;
  };
  /** Undefined where JWT-SVIDs are switched off. */
  readonly jwt?: JwtRoom | undefined;
  /** Undefined where WIT-SVIDs are switched off. */
  readonly wit?: WitRoom | undefined;
  readonly ledger: {
    record(issuance: NewIssuance): Promise<{ readonly seq: number }>;
    markUndelivered(seq: number, reason: string): Promise<void>;
  };
  readonly revocations: {
    /** `serial` as of an issuance. */
    isRevoked(serial: string): boolean;
  };
  readonly crls: {
    /** DER, one of each authority; the same array until one of them is another. */
    current(): readonly Buffer[];
    onChange(listener: () => void): () => void;
  };
  readonly changes: {
    /** Every committed change, in order, after the rooms above have taken it in. Returns the undo. */
    onChanges(listener: (changes: readonly Change[]) => void): () => void;
    /** Settles when every change asked for until now is decided; undefined when none is waiting. */
    changesInFlight(): Promise<void> | undefined;
  };
  /** A step of our own authority is durable and in force: bundle or signer changed. Returns the undo. */
  readonly onAuthorityChange: (listener: () => void) => () => void;
  /** The wall clock jumped, or the machine woke up. Returns the undo. */
  readonly onClockJump: (listener: () => void) => () => void;
  /** Told of what happened; absent where nobody wants to know. */
  readonly detectors?: {
    /** Something was given to a caller. Synchronous and cheap; never throws. */
    delivered(what: {
      readonly process: ProcessHandle;
      readonly attested: Attested;
      readonly grants: readonly Grant[];
    }): void;
    /** What was taken back is presented; `by`: who does. */
    replayed(what: {
      readonly kind: SvidKind;
      readonly serial: string;
      readonly identity: string;
      readonly by: string;
    }): void;
  };
  readonly settings: IssuanceSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface TokenAuthority {
  active(): { readonly authorityId: string };
  keys(): readonly JwtKeyRecord[];
  mintToken(request: TokenRequest): Promise<IssuedToken>;
}

export interface WitRoom {
  /** `distrustedSince` as of the X.509 authority above. */
  readonly authority: TokenAuthority & { distrustedSince(authorityId: string): number | undefined };
  /** RSA keys of holders sign with PS256, and otherwise with RS256. */
  readonly pss: boolean;
}

export interface JwtRoom {
  readonly authority: Omit<TokenAuthority, 'active'> & {
    /** What signs a token for these audiences. */
    active(audiences: readonly string[]): { readonly authorityId: string };
  };
  /** `svid.jwt_ttl`, for entries without one of their own. */
  readonly ttlMs: number;
}

export interface IssuanceSettings {
  readonly x509TtlMs: number;
  /** `lifecycle.legacy_max_ttl` */
  readonly legacyMaxTtlMs: number;
  readonly keyType: 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';
  /** Streams of X509-SVIDs are told of another revocation list at once, and not with what comes next. */
  readonly pushCrls: boolean;
  /** Callers without an identity may follow our own bundle (WAPI-20). */
  readonly allowUnauthenticatedVerifiers: boolean;
  /** The uid the daemon runs under; a caller with the same one can read its memory and files (attack B2). */
  readonly ownUid: number;
}
