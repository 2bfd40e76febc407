// SPDX-License-Identifier: Apache-2.0
/** Sets of policies that decide, are tried, or did: each stays, so that what was decided can be looked at again. */
import type { Listed, Page } from './store.ts';

export interface PolicySetRecord {
  /** SHA-256 in lower-case hex over everything that decides. */
  readonly hash: string;
  readonly schemaHash: string;
  /** Canonical JSON: `files` of the site with `name` and `text`, and the `guardrails` and `schema` they were held against. */
  readonly text: string;
  /** When it came into its mode. */
  readonly loadedAt: number;
  readonly loadedBy: string;
  /** `live` and `shadow` is one each at most. */
  readonly mode: 'live' | 'shadow' | 'past';
  /** When it ceased to be live; null while it is, and where it never was. */
  readonly leftAt: number | null;
}

export type NewPolicySet = Pick<PolicySetRecord, 'hash' | 'schemaHash' | 'text'>;

/** `reload`: the same files with the guardrails of another release. */
export type LiveStep = 'apply' | 'rollback' | 'reload';

export interface PolicyStore {
  live(): PolicySetRecord | undefined;
  shadow(): PolicySetRecord | undefined;
  get(hash: string): PolicySetRecord | undefined;
  /** The one that was live last, before the one that is. */
  previous(): PolicySetRecord | undefined;
  /** By hash. */
  list(page: Page): Listed<PolicySetRecord>;
  /**
   * In the place of `replaces`, the hash of the one that is live; null for none. Rejects with ('aborted',
   * 'REVISION_CONFLICT') when another is, or it is live already.
   */
  setLive(set: NewPolicySet, step: LiveStep, replaces: string | null, by: string, at: number): Promise<void>;
  /** In the place of the one that is. Rejects with ('failed-precondition', 'POLICY_IS_LIVE'). */
  setShadow(set: NewPolicySet, by: string, at: number): Promise<void>;
  /** Rejects with ('not-found', 'POLICY_NO_SHADOW'). */
  endShadow(by: string, at: number): Promise<void>;
}
