// SPDX-License-Identifier: Apache-2.0
/**
 * Does the steps that `slots.ts` decides. Each makes what it needs first, then writes the journal, and only then takes away:
 * a crash in between leaves at worst a key that no row names, which `sweepOrphans` removes at the next start.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { BACKDATE_MS } from '../rotation/schedule.ts';
import type { AuthorityKind, AuthorityRecord } from '../store/records.ts';
import type { Logger } from '../telemetry/logger.ts';
import { skiOf } from '../x509/ca.ts';
import type { Journal } from './journal.ts';
import { type AuthorityKey, type AuthorityKeyType, type KeyManager, purposeOf } from './key-manager.ts';
import { keyOf } from './record-key.ts';
import { type Holds, type Step, withActive, without, withPrepared, withTainted } from './slots.ts';

const SECOND = 1000;
/** A root per restart adds up with memory keys; a bundle of this size still fits a gRPC message many times (CLI-25). */
export const MOST_AUTHORITIES = 128;

/** Makes what the bundle shall have of a new key, in DER. Times in milliseconds, whole seconds. */
export type Publish = (
  key: AuthorityKey,
  life: { readonly notBefore: number; readonly notAfter: number },
) => Buffer | Promise<Buffer>;

export interface StepsOptions {
  readonly kind: AuthorityKind;
  readonly journal: Journal;
  readonly keyManager: KeyManager;
  readonly ttlMs: number;
  readonly keyType: AuthorityKeyType;
  readonly publish: Publish;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Steps {
  readonly #opts: StepsOptions;
  readonly #keys: Map<string, AuthorityKey>;

  private constructor(opts: StepsOptions, keys: Map<string, AuthorityKey>) {
    this.#opts = opts;
    this.#keys = keys;
  }

  static async load(opts: StepsOptions): Promise<Steps> {
    const keys = new Map<string, AuthorityKey>();
    for (const record of opts.journal.records) {
      const key = await keyOf(record, opts.keyManager);
      if (key !== undefined) keys.set(record.id, key);
      else if (record.slot !== 'old')
        opts.log.warn(
          { authorityId: record.id, slot: record.slot, keyRef: record.keyRef },
          'the key of this authority is gone',
        );
    }
    return new Steps(opts, keys);
  }

  readonly holds: Holds = (id) => this.#keys.has(id);

  key(id: string): AuthorityKey | undefined {
    return this.#keys.get(id);
  }

  /**
   * Resolves when the step is durable, with the authorities that left the journal; their keys are to be dropped
   * once nobody signs with them.
   */
  async do(step: Step, by: string): Promise<readonly AuthorityRecord[]> {
    switch (step.kind) {
      case 'prepare':
        return this.#prepare(by);
      case 'activate':
        return this.#activate(step.id, step.announced, by);
      case 'replace':
        return this.#replace(by);
      case 'discard':
        return this.#remove([step.id], 'discarded a prepared authority that can never sign', by);
      case 'prune':
        return this.#remove(step.ids, 'took old authorities out of the bundle: all they signed has expired', by);
      case 'taint':
        return this.#taint(step.id, by);
      case 'revoke':
        return this.#remove([step.id], 'revoked a tainted authority: it has left the bundle', by);
    }
  }

  async #prepare(by: string): Promise<readonly AuthorityRecord[]> {
    const { journal, log } = this.#opts;
    const id = await this.#withFreshKey(async (fresh) => {
      await journal.replace(withPrepared(journal.records, fresh), fresh.id, by, fresh.preparedAt);
    });
    log.info({ authorityId: id, bundleSequence: journal.sequence }, 'prepared the next authority; it is in the bundle');
    return [];
  }

  async #activate(id: string, announced: boolean, by: string): Promise<readonly AuthorityRecord[]> {
    const { journal, clock, log } = this.#opts;
    const now = clock.now();
    await journal.replace(withActive(journal.records, id, now), id, by, now);
    if (announced) log.info({ authorityId: id }, 'activated the prepared authority; it signs from now on');
    else log.warn({ authorityId: id }, 'activated an authority before its announcement was over: an unannounced root');
    return [];
  }

  async #taint(id: string, by: string): Promise<readonly AuthorityRecord[]> {
    const { journal, clock, log } = this.#opts;
    const now = clock.now();
    await journal.replace(withTainted(journal.records, id, now), id, by, now);
    log.warn({ authorityId: id, by }, 'tainted an authority: what it signed is issued anew under the active one');
    return [];
  }

  async #replace(by: string): Promise<readonly AuthorityRecord[]> {
    const { journal, clock, log } = this.#opts;
    const before = journal.records;
    const id = await this.#withFreshKey(async (fresh) => {
      const now = clock.now();
      const kept = before.filter((one) => one.slot !== 'prepared');
      await journal.replace(withActive(withPrepared(kept, fresh), fresh.id, now), fresh.id, by, now);
    });
    const fields = { authorityId: id, bundleSequence: journal.sequence, unannounced: true };
    if (before.length === 0) log.info(fields, 'made the first authority of this trust domain (an unannounced root)');
    else log.warn(fields, 'no usable key was left: a new root is published and used at once, unannounced');
    return before.filter((one) => one.slot === 'prepared');
  }

  async #remove(ids: readonly string[], message: string, by: string): Promise<readonly AuthorityRecord[]> {
    const { journal, clock, log } = this.#opts;
    const gone = journal.records.filter((one) => ids.includes(one.id));
    await journal.replace(without(journal.records, ids), ids[0]!, by, clock.now());
    log.info({ authorityIds: ids, bundleSequence: journal.sequence }, message);
    return gone;
  }

  /** The journal names these no more. A key that cannot be removed now is swept at the next start. */
  async dropKeys(gone: readonly AuthorityRecord[]): Promise<void> {
    for (const one of gone) {
      this.#keys.delete(one.id);
      await this.#opts.keyManager.remove(one.keyRef).catch((err: unknown) => {
        this.#opts.log.warn({ keyRef: one.keyRef, err }, 'a key that no authority uses could not be removed');
      });
    }
  }

  /** Makes the key and what is published of it, hands the record to `commit`, and takes the key back if that fails. */
  async #withFreshKey(commit: (fresh: AuthorityRecord) => Promise<void>): Promise<string> {
    const { journal, keyManager, keyType, kind } = this.#opts;
    // guard: I9 test/authority/start.test.ts
    if (journal.records.length >= MOST_AUTHORITIES) throw tooMany(journal.records);
    const key = await keyManager.generate(kind, keyType);
    let fresh: AuthorityRecord | undefined;
    try {
      fresh = await this.#freshRecord(key);
      this.#keys.set(fresh.id, key);
      await commit(fresh);
      return fresh.id;
    } catch (error) {
      if (fresh !== undefined && !journal.records.some((one) => one.id === fresh?.id)) await this.dropKeys([fresh]);
      throw error;
    }
  }

  async #freshRecord(key: AuthorityKey): Promise<AuthorityRecord> {
    const { kind, ttlMs, publish, clock } = this.#opts;
    const now = clock.now();
    const notBefore = Math.floor((now - BACKDATE_MS) / SECOND) * SECOND;
    const notAfter = Math.floor((now + ttlMs) / SECOND) * SECOND;
    return {
      id: skiOf(key.publicKey).toString('hex'),
      kind,
      slot: 'prepared',
      published: await publish(key, { notBefore, notAfter }),
      keyRef: key.ref,
      keyType: key.type,
      notBefore,
      notAfter,
      preparedAt: now,
      activatedAt: null,
      oldAt: null,
      taintedAt: null,
      lastSvidNotAfter: 0,
      revision: 1,
    };
  }
}

/** Removes keys that no authority names: left by a crash between making a key and journalling it. */
export async function sweepOrphans(
  kind: AuthorityKind,
  journal: Journal,
  keyManager: KeyManager,
  log: Logger,
): Promise<void> {
  const named = new Set(journal.records.map((one) => one.keyRef));
  // guard: I8 test/authority/jwt-authorities.test.ts — the keys of another kind of authority are not ours to sweep
  const orphans = (await keyManager.list()).filter((ref) => purposeOf(ref) === kind && !named.has(ref));
  if (orphans.length === 0) return;
  // With an empty journal these may be the keys of a database that is about to be put back.
  // guard: I8 test/authority/restart-disk.test.ts
  if (named.size === 0) {
    log.warn({ keyRefs: orphans }, 'there are keys but no authorities; the keys are left alone');
    return;
  }
  for (const ref of orphans) {
    await keyManager.remove(ref);
    log.info({ keyRef: ref }, 'removed a key that no authority uses');
  }
}

function tooMany(records: readonly AuthorityRecord[]): Failure {
  const next = Math.min(...records.filter((one) => one.slot === 'old').map((one) => one.lastSvidNotAfter));
  return new Failure(
    'resource-exhausted',
    'TOO_MANY_AUTHORITIES',
    `the bundle holds ${records.length} authorities and may hold ${MOST_AUTHORITIES}; the next one leaves it at ${new Date(next).toISOString()}`,
    { hint: 'keep the CA keys on disk (ca.key_manager: disk), so that a restart needs no new root' },
  );
}
