// SPDX-License-Identifier: Apache-2.0
/** What a detector found and somebody has to look at. It stays after it is closed. */
import type { Json } from '../lib/canonical-json.ts';
import type { Listed, Page } from './store.ts';

export const DETECTORS = [
  'static-secret',
  'new-binary',
  'shared-credential',
  'replay-after-revocation',
  'human-use',
  'intent-mismatch',
  'undeclared-intents',
  'escalation-after-deny',
  'unused',
  'standing',
] as const;

export type Detector = (typeof DETECTORS)[number];

/** Also what no detector is asked for: an emergency (`src/grants/`). */
export const FINDING_KINDS = [...DETECTORS, 'break-glass'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** Names and numbers that prove it. Never the value of a secret, nor a token (I10). */
export type Evidence = { readonly [name: string]: Json };

export interface FindingRecord {
  /** Counts from 1. */
  readonly id: number;
  readonly detector: FindingKind;
  /** The SPIFFE ID of the identity that it is about. */
  readonly identity: string;
  /** The task that it was seen in first; null outside of one. */
  readonly task: string | null;
  /** As it was when it was opened; canonical JSON. */
  readonly evidence: string;
  readonly openedAt: number;
  readonly lastSeenAt: number;
  /** How often it was seen while open. */
  readonly count: number;
  readonly closedAt: number | null;
  readonly closedBy: string | null;
  /** In the words of whoever closed it. */
  readonly resolution: string | null;
}

export interface NewFinding {
  readonly detector: FindingKind;
  readonly identity: string;
  readonly task?: string;
  readonly evidence: Evidence;
  /** What makes it the same one as before, of the evidence; other parts may differ. */
  readonly key: Evidence;
  /** Milliseconds UTC. */
  readonly at: number;
  /** How often it was seen, at least 1. */
  readonly count: number;
}

export interface FindingFilter {
  readonly open?: boolean | undefined;
  readonly identity?: string | undefined;
  readonly detector?: string | undefined;
}

/** `first`: nothing of its sort was seen of the identity; `new`: others were; `known`: it was seen before. */
export type Novelty = 'first' | 'new' | 'known';

export interface FindingStore {
  /**
   * Opened, or counted where the same is open: the same detector, identity and key. With `OPEN_PER_DETECTOR` open of one
   * identity it is counted with the newest of those; with `OPEN_IN_ALL` open rejects with ('resource-exhausted', 'FINDINGS_FULL').
   */
  report(finding: NewFinding, by: string): Promise<FindingRecord>;
  /** Rejects with ('not-found', 'FINDING_NOT_FOUND'), ('failed-precondition', 'FINDING_CLOSED'). */
  close(id: number, resolution: string, by: string, at: number): Promise<FindingRecord>;
  get(id: number): FindingRecord | undefined;
  /** Newest first. */
  list(filter: FindingFilter, page: Page): Listed<FindingRecord>;
  /** Detectors with an open finding about this identity, each once, whatever else was found. */
  openDetectors(identity: string): readonly FindingKind[];
  /**
   * An identity was given to a program, `sort:value`. Of an identity the latest `BINARIES_PER_IDENTITY` are kept.
   */
  seeBinary(identity: string, binary: string, at: number): Promise<Novelty>;
}

/** So that nobody fills the disk by giving a detector ever new evidence. */
export const OPEN_PER_DETECTOR = 16;
export const OPEN_IN_ALL = 20_000;
export const BINARIES_PER_IDENTITY = 64;
