// SPDX-License-Identifier: Apache-2.0
/**
 * Signs checkpoints of the log as it grows: over a hundred events more, or ten seconds after the first that is not under one,
 * and at most one a second. Each is kept in the database, anchored outside it, and written to the daemon's own log.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { type NoteSigner, signCheckpoint, verifierKey } from '../merkle/note.ts';
import type { AuditStore, CheckpointRecord } from '../store/events.ts';
import type { Check } from '../telemetry/check.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Anchor, writeAnchor } from './anchors.ts';

/** So many events are not long without one. */
const MANY_EVENTS = 100;
const LONGEST_MS = 10_000;
const SHORTEST_MS = 1_000;
/** In the daemon's own log there is one at least this far from the next, and those of its start and end. */
const LOGGED_MS = 600_000;
/** An anchor that fails for so long is worth a warning in `assay health`. */
const ANCHOR_LATE_MS = 3_600_000;

export interface CheckpointsOptions {
  readonly audit: AuditStore;
  readonly signer: NoteSigner;
  readonly anchors: readonly Anchor[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class Checkpoints {
  readonly #opts: CheckpointsOptions;
  readonly #forget: () => void;
  #covered: number;
  #events: number;
  #timer: Timer | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #notBefore = 0;
  #logAt = 0;
  #underWay: Promise<void> | undefined;
  #failingSince: number | undefined;
  #failure: string | undefined;
  #closed = false;

  constructor(opts: CheckpointsOptions) {
    this.#opts = opts;
    this.#covered = opts.audit.latestCheckpoint()?.size ?? 0;
    this.#events = opts.audit.head().size;
    this.#forget = opts.audit.onAppended((events) => this.#grown(events));
    this.#grown(this.#events);
  }

  /** Origin of the log, and the name of its key. */
  get name(): string {
    return this.#opts.signer.name;
  }

  /** What whoever checks a checkpoint needs to know of its key. */
  verifierKey(): string {
    return verifierKey(this.#opts.signer);
  }

  /** Over everything that is committed now; the latest where that has one. */
  async now(): Promise<CheckpointRecord> {
    await this.#underWay;
    const latest = this.#opts.audit.latestCheckpoint();
    if (latest !== undefined && latest.size === this.#opts.audit.head().size) return latest;
    return this.#sign();
  }

  health(): Check {
    const { audit, clock } = this.#opts;
    const latest = audit.latestCheckpoint();
    const text = latest === undefined ? 'no checkpoint yet' : `${latest.size} events under the latest checkpoint`;
    if (this.#failingSince === undefined || clock.now() - this.#failingSince < ANCHOR_LATE_MS)
      return { name: 'log', status: 'ok', text };
    return {
      name: 'log',
      status: 'warn',
      text: `no checkpoint was anchored since ${new Date(this.#failingSince).toISOString()}: ${this.#failure}`,
      hint: 'look at audit.checkpoint_file and at the disk',
    };
  }

  /** A last one over what is there. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.#timer?.cancel();
    await this.now().catch((error: unknown) => {
      this.#opts.log.warn({ err: error }, 'the last checkpoint of the log could not be kept');
    });
  }

  #grown(events: number): void {
    this.#events = events;
    const waiting = events - this.#covered;
    if (waiting <= 0 || this.#closed) return;
    const now = this.#opts.clock.monotonic();
    const due = Math.max(this.#notBefore, waiting >= MANY_EVENTS ? now : now + LONGEST_MS);
    if (due >= this.#dueAt) return;
    this.#dueAt = due;
    this.#timer?.cancel();
    this.#timer = this.#opts.clock.after(due - now, () => this.#onTime());
  }

  #onTime(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#notBefore = this.#opts.clock.monotonic() + SHORTEST_MS;
    this.#underWay = this.#sign().then(
      () => undefined,
      // The store tells of its own trouble (onTrouble); the next event tries again.
      () => undefined,
    );
    void this.#underWay.then(() => this.#grown(this.#events));
  }

  async #sign(): Promise<CheckpointRecord> {
    const { audit, signer, clock } = this.#opts;
    const head = audit.head();
    const note = signCheckpoint({ origin: signer.name, ...head }, signer);
    const checkpoint = { ...head, at: clock.now(), note };
    await audit.putCheckpoint(checkpoint);
    this.#covered = Math.max(this.#covered, head.size);
    this.#say(head.size, note);
    await this.#anchor(note);
    return checkpoint;
  }

  #say(size: number, note: string): void {
    const now = this.#opts.clock.monotonic();
    if (now < this.#logAt && !this.#closed) return;
    this.#logAt = now + LOGGED_MS;
    this.#opts.log.info({ size, note }, 'a checkpoint of the log was signed');
  }

  async #anchor(note: string): Promise<void> {
    const { anchors, clock, log } = this.#opts;
    const outcomes = await Promise.allSettled(anchors.map((anchor) => writeAnchor(anchor, note)));
    const failed = outcomes.findIndex(({ status }) => status === 'rejected');
    if (failed < 0) {
      this.#failingSince = undefined;
      return;
    }
    const { reason } = outcomes[failed] as PromiseRejectedResult;
    const { code, message } = reason as NodeJS.ErrnoException;
    this.#failure = `${anchors[failed]?.path}: ${code ?? message}`;
    if (this.#failingSince === undefined)
      log.warn({ path: anchors[failed]?.path, err: reason }, 'a checkpoint of the log could not be anchored');
    this.#failingSince ??= clock.now();
  }
}
