// SPDX-License-Identifier: Apache-2.0
/**
 * The slots of one kind of authority, kept and rotated: what is due is done by itself, and an operator may step ahead of the
 * schedule. What an authority publishes and how it signs is its owner's affair.
 *
 * - What `records` and `key` answer is what the store holds durably.
 * - A step that fails is tried again and shows in `health`; a healthy active key goes on signing meanwhile (I8).
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { refreshHintSeconds } from '../rotation/schedule.ts';
import { Scheduler } from '../rotation/scheduler.ts';
import type { AuthorityKind, AuthorityRecord } from '../store/records.ts';
import type { AuthorityStore } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClockGuard } from './clock-guard.ts';
import { type AuthorityHealth, healthOf } from './health.ts';
import { Journal } from './journal.ts';
import type { AuthorityKey, AuthorityKeyType, KeyManager } from './key-manager.ts';
import { checkActivation, checkPreparation } from './operator-steps.ts';
import { dueStep, inSlot, lifeOf, type Planned, planned, type Step, unannouncedActive } from './slots.ts';
import { type Publish, Steps, sweepOrphans } from './steps.ts';
import { checkRevocation, checkTaint } from './taint.ts';

export interface KeyRotationOptions {
  readonly kind: AuthorityKind;
  readonly store: AuthorityStore;
  readonly keyManager: KeyManager;
  readonly keyType: AuthorityKeyType;
  /** The life of a key from its preparation on. */
  readonly ttlMs: number;
  readonly publish: Publish;
  readonly guard: ClockGuard;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AuthorityView {
  readonly authorities: readonly (AuthorityRecord & { readonly keyHeld: boolean })[];
  readonly planned: readonly Planned[];
  readonly bundleSequence: number;
  readonly refreshHintSeconds: number;
  readonly caTtlMs: number;
  readonly health: AuthorityHealth;
}

/** Synchronously after a step is durable; keys that left the journal are still there. */
export type OnStep = (cause: Step['kind']) => void;

export class KeyRotation {
  readonly #opts: KeyRotationOptions;
  readonly #journal: Journal;
  readonly #steps: Steps;
  readonly #scheduler: Scheduler;
  #onStep: OnStep = () => undefined;
  #stopWatchingClock: () => void = () => undefined;

  /** Loads the journal and the keys, and removes orphaned keys. Rejects when a key file is not safe to use. */
  static async load(opts: KeyRotationOptions): Promise<KeyRotation> {
    const journal = new Journal(opts.store, opts.kind);
    const steps = await Steps.load({ ...opts, journal });
    await sweepOrphans(opts.kind, journal, opts.keyManager, opts.log);
    // The step that made it so may have been the last thing before a crash, and never logged.
    const unannounced = unannouncedActive(journal.records, opts.clock.now());
    // guard: I6 test/authority/restart-disk.test.ts
    if (unannounced !== undefined)
      opts.log.warn({ authorityId: unannounced.id, unannounced: true }, 'the active authority is still unannounced');
    return new KeyRotation(opts, journal, steps);
  }

  private constructor(opts: KeyRotationOptions, journal: Journal, steps: Steps) {
    this.#opts = opts;
    this.#journal = journal;
    this.#steps = steps;
    this.#scheduler = new Scheduler({
      clock: opts.clock,
      step: () => this.#step(),
      nextAt: () => planned(journal.records)[0]?.at,
      onTrouble: ({ error, failures }, retryInMs) =>
        opts.log.error({ err: error, failures, retryInMs, kind: opts.kind }, 'a rotation step failed'),
      onRecovered: () => opts.log.info({ kind: opts.kind }, 'rotation goes on'),
    });
  }

  /**
   * Does what is due, and goes on doing so. Rejects when there is no authority afterwards; a failing rotation beside a
   * usable authority only shows in `health`.
   */
  async begin(onStep: OnStep): Promise<void> {
    this.#onStep = onStep;
    this.#stopWatchingClock = this.#opts.guard.onJump(() => void this.#scheduler.poke());
    await this.#scheduler.poke();
    if (this.records.length > 0) return;
    const trouble = this.#scheduler.trouble;
    await this.close();
    throw trouble?.error ?? new Failure('internal', 'OWN_BUNDLE_EMPTY', 'no authority could be made');
  }

  /** The same array until a step. */
  get records(): readonly AuthorityRecord[] {
    return this.#journal.records;
  }

  /** Of the bundle, when this kind of authority last changed it. */
  get sequence(): number {
    return this.#journal.sequence;
  }

  /** The authority that signs, and its key; undefined when there is none or its key is gone. */
  get active(): { readonly record: AuthorityRecord; readonly key: AuthorityKey } | undefined {
    const record = inSlot(this.records, 'active');
    const key = record === undefined ? undefined : this.#steps.key(record.id);
    return record && key ? { record, key } : undefined;
  }

  /** All that have signed, or do, and whose key is there. */
  get signers(): readonly { readonly record: AuthorityRecord; readonly key: AuthorityKey }[] {
    return this.records.flatMap((record) => {
      const key = record.slot === 'prepared' ? undefined : this.#steps.key(record.id);
      return key === undefined ? [] : [{ record, key }];
    });
  }

  health(): AuthorityHealth {
    return healthOf({
      records: this.records,
      sequence: this.sequence,
      kinds: new Set(this.#opts.store.loadAuthorities().map(({ kind }) => kind)).size,
      holds: this.#steps.holds,
      now: this.#opts.clock.now(),
      trouble: this.#scheduler.trouble,
      clockRefusal: this.#opts.guard.check(),
    });
  }

  show(): AuthorityView {
    return {
      authorities: this.records.map((one) => ({ ...one, keyHeld: this.#steps.holds(one.id) })),
      planned: planned(this.records),
      bundleSequence: this.#opts.store.ownBundleSequence(),
      refreshHintSeconds: this.refreshHintSeconds,
      caTtlMs: this.#opts.ttlMs,
      health: this.health(),
    };
  }

  /** What this kind of authority asks of bundle consumers. */
  get refreshHintSeconds(): number {
    return refreshHintSeconds(this.records.map((one) => lifeOf(one)).map(({ since, until }) => until - since));
  }

  /** Prepares the next authority before its time. Resolves with its id once it is in the bundle. */
  prepare(by: string): Promise<string> {
    return this.#byOperator(async () => {
      checkPreparation(this.#opts.kind, this.records);
      await this.#do({ kind: 'prepare' }, by);
      return inSlot(this.records, 'prepared')!.id;
    });
  }

  /** Lets the prepared authority sign. Before its lead is over this needs `now: true`, since some consumers do not trust it yet. */
  activate(opts: { readonly now: boolean; readonly by: string }): Promise<string> {
    return this.#byOperator(async () => {
      const asked = { kind: this.#opts.kind, now: this.#opts.clock.now(), insists: opts.now };
      const { id, announced } = checkActivation(this.records, { ...asked, hintSeconds: this.refreshHintSeconds });
      await this.#do({ kind: 'activate', id, announced }, opts.by);
      return id;
    });
  }

  /** Has all that this old authority signed issued anew. Resolves when the taint is durable and in force. */
  taint(opts: { readonly id: string; readonly by: string }): Promise<AuthorityRecord> {
    const { id, by } = opts;
    return this.#byOperator(async () => {
      checkTaint(this.#opts.kind, this.records, id);
      await this.#do({ kind: 'taint', id }, by);
      return this.records.find((one) => one.id === id)!;
    });
  }

  /** Takes a tainted authority out of the bundle. While what it signed is still valid this needs `force: true`. */
  revoke(opts: { readonly id: string; readonly force: boolean; readonly by: string }): Promise<AuthorityRecord> {
    const { id, force, by } = opts;
    return this.#byOperator(async () => {
      const now = this.#opts.clock.now();
      const record = checkRevocation(this.records, { kind: this.#opts.kind, id, now, insists: force });
      await this.#do({ kind: 'revoke', id }, by);
      return record;
    });
  }

  /** Waits for a step under way. Idempotent. */
  async close(): Promise<void> {
    this.#stopWatchingClock();
    this.#onStep = () => undefined;
    await this.#scheduler.close();
  }

  async #byOperator<T>(work: () => Promise<T>): Promise<T> {
    const done = await this.#scheduler.exclusively(work);
    void this.#scheduler.poke();
    return done;
  }

  async #step(): Promise<boolean> {
    const step = dueStep(this.records, this.#steps.holds, this.#opts.clock.now());
    if (step === undefined) return false;
    await this.#do(step, 'rotation');
    return true;
  }

  async #do(step: Step, by: string): Promise<void> {
    // The very first step has nothing that the clock could contradict, and nobody to say `clock accept` to.
    const refusal = this.records.length === 0 || takesAway(step) ? undefined : this.#opts.guard.check();
    // guard: I8 test/authority/rotation.test.ts — a CA made while the clock is wrong carries wrong dates for its whole life
    if (refusal !== undefined) throw refusal;
    const gone = await this.#steps.do(step, by);
    this.#onStep(step.kind);
    await this.#steps.dropKeys(gone);
  }
}

/** Puts no date into anything, and an operator who has lost a key shall not have to mend a clock first. */
function takesAway({ kind }: Step): boolean {
  return kind === 'taint' || kind === 'revoke';
}
