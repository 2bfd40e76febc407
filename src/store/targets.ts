// SPDX-License-Identifier: Apache-2.0
/** The services and systems that tasks are for. */

export interface TargetRecord {
  /** Never given again, also after it was retired. */
  readonly name: string;
  /** As of an identity: `human:NAME`, `team:NAME`, or free text. */
  readonly owner: string;
  readonly environment: string;
  readonly impact: 'low' | 'high';
  /** What can be asked of it; sorted, distinct, at least one. */
  readonly intents: readonly string[];
  /** Those of them that cannot be taken back; sorted. */
  readonly irrevocable: readonly string[];
  /** What a token for it names; sorted, distinct, no other target's that is not retired. */
  readonly audiences: readonly string[];
  readonly thirdParty: boolean;
  /** Of a third party always, else null: by when somebody has to look at it again. */
  readonly reviewBy: number | null;
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly retiredAt: number | null;
  readonly retiredBy: string | null;
  readonly retireReason: string | null;
  readonly revision: number;
}

export interface TargetStore {
  /** By name. */
  load(): readonly TargetRecord[];
  /**
   * Rejects with ('aborted', 'REVISION_CONFLICT') when the stored revision is not one less, ('already-exists',
   * 'TARGET_AUDIENCE_TAKEN') for an audience that another has, ('failed-precondition', 'TARGET_RETIRED').
   */
  put(target: TargetRecord, step: 'put' | 'retire', by: string, at: number): Promise<void>;
}
