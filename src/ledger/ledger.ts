// SPDX-License-Identifier: Apache-2.0
/**
 * What was issued: no credential leaves before its row is durable (I3). Thin over the store; what it adds is retention.
 * The audit leaf of an issuance is written here once there is an audit tree.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { IssuanceRecord, NewIssuance } from '../store/records.ts';
import type { IssuanceFilter, Listed, Page, Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Tally } from '../telemetry/tally.ts';

export interface LedgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Rows leave this long after the SVID has expired (`retention.issuance`). */
  readonly retentionMs: number;
}

const SWEEP_MS = 3_600_000;
/** Changes kept for cursors that were away: at least this many. */
const CHANGES_KEPT = 100_000;

export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #retentionMs: number;
  readonly #recorded = new Tally();
  #timer: Timer | undefined;
  #closed = false;

  constructor({ store, clock, log, retentionMs }: LedgerOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#retentionMs = retentionMs;
    this.#wait();
  }

  /** Resolves when the row is durable; rejects with DECISION_STALE when what it was decided on has changed. */
  record(issuance: NewIssuance): Promise<{ readonly seq: number }> {
    const recorded = this.#store.record(issuance);
    recorded.then(
      () => this.#recorded.add(issuance.kind),
      () => undefined,
    );
    return recorded;
  }

  /** By kind, since the start. */
  get recorded(): ReadonlyMap<string, number> {
    return this.#recorded.counts;
  }

  /** It was recorded, but never sent. Durable with the next batch; need not be awaited, but its rejection be caught. */
  markUndelivered(seq: number, reason: string): Promise<void> {
    return this.#store.markUndelivered(seq, reason);
  }

  bySerial(serial: string): IssuanceRecord | undefined {
    return this.#store.bySerial(serial);
  }

  /** Newest first. */
  list(filter: IssuanceFilter, page: Page): Listed<IssuanceRecord> {
    return this.#store.list(filter, page);
  }

  /** The sequence of the latest row. */
  get highWater(): number {
    return this.#store.lastIssuanceSeq();
  }

  /** Removes what has been kept long enough. */
  async sweep(): Promise<{ readonly issuances: number; readonly changes: number }> {
    const issuances = await this.#store.prune(this.#clock.now() - this.#retentionMs);
    const changes = await this.#store.pruneChanges(CHANGES_KEPT);
    return { issuances, changes };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (!this.#closed) this.#timer = this.#clock.after(SWEEP_MS, () => void this.#sweepOnTime());
  }

  async #sweepOnTime(): Promise<void> {
    try {
      const removed = await this.sweep();
      if (removed.issuances > 0) this.#log.info(removed, 'old issuance rows were removed');
    } catch (error) {
      this.#log.warn({ err: error }, 'old rows could not be removed; tried again in an hour');
    }
    this.#wait();
  }
}
