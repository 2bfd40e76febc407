// SPDX-License-Identifier: Apache-2.0
/** Of `wire.ts`, what the log needs. */
import type { Int64, Paged } from './wire-values.ts';

export interface WireEvent {
  readonly seq: Int64;
  readonly at: Int64;
  readonly kind: string;
  readonly actor: string;
  readonly identity: string;
  readonly task: string;
  readonly payload_sha256: Buffer;
  readonly leaf_hash: Buffer;
  readonly payload?: string;
  readonly salt: Buffer;
}

export interface AuditRpcs {
  ListEvents: [
    {
      readonly identity: string;
      readonly kind: string;
      readonly actor: string;
      readonly since?: Int64;
      readonly until?: Int64;
      readonly newest_first: boolean;
      readonly from_seq?: Int64;
      readonly task: string;
      readonly before_seq?: Int64;
      readonly prove_in?: Int64;
    } & Paged,
    {
      readonly events: readonly WireEvent[];
      readonly next_page_token: string;
      readonly size: Int64;
      readonly proofs: readonly { readonly hashes: readonly Buffer[] }[];
    },
  ];
  GetEventProof: [
    { readonly seq: Int64; readonly size?: Int64 },
    {
      readonly event: WireEvent;
      readonly inclusion_proof: readonly Buffer[];
      readonly checkpoint: string;
      readonly checkpoint_size: Int64;
    },
  ];
  GetCheckpoint: [object, { readonly checkpoint: string; readonly verifier_key: string }];
  RedactEvent: [{ readonly seq: Int64; readonly reason: string }, { readonly event: WireEvent }];
}
