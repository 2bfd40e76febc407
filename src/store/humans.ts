// SPDX-License-Identifier: Apache-2.0
/** The people who answer for identities. */
import type { IdentityRecord } from './records.ts';

export interface HumanKey {
  /** `SHA256:` and base64, as ssh-keygen prints it. */
  readonly fingerprint: string;
  /** As in an OpenSSH public key: `ssh-ed25519`. */
  readonly type: string;
  /** The key as OpenSSH writes it on the wire, base64. */
  readonly blob: string;
  readonly addedAt: number;
  readonly addedBy: string;
  /** Null: nobody did, and its signatures are worth what software is. */
  readonly vouched: VouchedKey | null;
}

/** Somebody said that a key is hardware (attack C3). */
export interface VouchedKey {
  /** What its signatures count for at most. */
  readonly highest: 2 | 3;
  readonly at: number;
  /** What was signed about it, canonical JSON, and the armored signature. Null for the first key, which root vouches for. */
  readonly statement: string | null;
  readonly signature: string | null;
}

export interface HumanRecord {
  /** Never given again, also after they have left. */
  readonly name: string;
  readonly email: string | null;
  /** Local uids under which they work, ascending. */
  readonly uids: readonly number[];
  /** Sorted. */
  readonly teams: readonly string[];
  readonly keys: readonly HumanKey[];
  readonly active: boolean;
  readonly leftReason: string | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly revision: number;
}

/** What the event is called. */
export type HumanStep = 'add' | 'update' | 'key_add' | 'key_vouch' | 'key_remove' | 'leave';

/** Why one whose owner is gone is suspended. */
export function ownerLeft(owner: string): string {
  return `owner ${owner} left`;
}

export interface HumanStore {
  load(): readonly HumanRecord[];
  /**
   * Writes it, and in the same step suspends each active identity for which nobody answers any more: those of the human who
   * leaves, and those of a team whose last active member leaves it. Resolves with these, by SPIFFE ID. Rejects with
   * ('aborted', 'REVISION_CONFLICT') when the stored revision is not one less, and with ('already-exists', 'HUMAN_KEY_TAKEN' or
   * 'HUMAN_UID_TAKEN') for a key or a uid that somebody has.
   */
  put(human: HumanRecord, step: HumanStep, by: string, at: number): Promise<readonly IdentityRecord[]>;
}
