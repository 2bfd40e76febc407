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
export type HumanStep = 'add' | 'key_add' | 'key_remove' | 'leave';

export interface HumanStore {
  load(): readonly HumanRecord[];
  /**
   * Writes it, and with it identities that change for it, in one step. Rejects with ('aborted', 'REVISION_CONFLICT') when the stored
   * revision is not one less, of any of them, and with ('already-exists', 'HUMAN_KEY_TAKEN') for a key that somebody has.
   */
  put(
    human: HumanRecord,
    step: HumanStep,
    identities: readonly IdentityRecord[],
    by: string,
    at: number,
  ): Promise<void>;
}
