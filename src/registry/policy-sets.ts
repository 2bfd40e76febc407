// SPDX-License-Identifier: Apache-2.0
/**
 * The sets of policies that are stored, and the engine that decides by them. A set is parsed, validated and loaded before it is
 * stored; it decides from the moment its row is durable. One that is refused leaves what decides as it is, and says so in health.
 */
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Clock } from '../lib/clock.ts';
import { Failure } from '../lib/failure.ts';
import { LivePolicy } from '../policy/engine.ts';
import { type PolicyFile, schemaHash } from '../policy/files.ts';
import { GUARDRAILS } from '../policy/guardrails.ts';
import { PolicySet } from '../policy/policy-set.ts';
import { SCHEMA } from '../policy/schema.ts';
import type { LiveStep, NewPolicySet, PolicySetRecord } from '../store/policies.ts';
import type { Actor, Change } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { Check } from '../telemetry/check.ts';
import type { Logger } from '../telemetry/logger.ts';
import { actorName } from './identity-fields.ts';

export interface PolicyRooms {
  readonly store: Pick<Store, 'policies' | 'onChanges'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PolicySets {
  readonly engine: LivePolicy;
  readonly #rooms: PolicyRooms;
  readonly #forget: () => void;
  /** Loaded, by hash, until the store has said whether they are to be. */
  readonly #ready = new Map<string, PolicySet>();
  #refused: { readonly at: number; readonly why: string } | undefined;

  private constructor(rooms: PolicyRooms) {
    const { store, log } = rooms;
    this.#rooms = rooms;
    this.engine = new LivePolicy(({ principal, action, target, intents, live, shadow }) =>
      log.info({ principal, action, target, intents, live, shadow: shadow.outcome }, 'policies on trial differ'),
    );
    this.#forget = store.onChanges((changes) => this.#changed(changes));
  }

  /** With what is stored. Nothing of Cedar is read where nothing is. */
  static async open(rooms: PolicyRooms): Promise<PolicySets> {
    const sets = new PolicySets(rooms);
    await sets.#restore();
    return sets;
  }

  close(): void {
    this.#forget();
  }

  /** Throws as `PolicySet.load` does, or Failure('failed-precondition', 'POLICY_IS_LIVE'). */
  async apply(files: readonly PolicyFile[], actor: Actor): Promise<PolicySetRecord> {
    const set = this.#loaded(files);
    return this.#makeLive(set, 'apply', actorName(actor));
  }

  /** The one that was live before, or the one of that hash if it ever was. */
  async rollback(hash: string | undefined, actor: Actor): Promise<PolicySetRecord> {
    const { policies } = this.#rooms.store;
    const record = hash === undefined ? policies.previous() : policies.get(hash);
    // guard: C1 test/registry/policy-sets.test.ts — what was only tried was never agreed to
    if (record === undefined || (record.leftAt === null && record.mode !== 'live')) throw nothingBefore(hash);
    return this.#makeLive(this.#loaded(filesOf(record)), 'rollback', actorName(actor));
  }

  async tryBeside(files: readonly PolicyFile[], actor: Actor): Promise<PolicySetRecord> {
    const set = this.#loaded(files);
    await this.#with(set, () =>
      this.#rooms.store.policies.setShadow(rowOf(set), actorName(actor), this.#rooms.clock.now()),
    );
    return this.#stored(set.hash);
  }

  async endTrial(actor: Actor): Promise<void> {
    await this.#rooms.store.policies.endShadow(actorName(actor), this.#rooms.clock.now());
  }

  health(): Check {
    const name = 'policies';
    const live = this.engine.live;
    if (this.#refused !== undefined) {
      const { at, why } = this.#refused;
      const stands =
        live === undefined ? 'none decides, and every task is denied' : `${live.hash.slice(0, 12)} decides still`;
      const text = `a set was refused at ${new Date(at).toISOString()}, ${stands}: ${why}`;
      return { name, status: 'warn', text, hint: 'assay policy check FOLDER, then assay policy apply FOLDER' };
    }
    if (live === undefined) return { name, status: 'ok', text: 'none are loaded: every task is denied' };
    const own = `${live.policies.size} with the guardrails`;
    return { name, status: 'ok', text: `${live.hash.slice(0, 12)} decides: ${own}` };
  }

  async #restore(): Promise<void> {
    const { policies } = this.#rooms.store;
    const live = policies.live();
    const shadow = policies.shadow();
    try {
      if (live !== undefined) await this.#resume(live);
      if (shadow !== undefined) this.engine.swapShadow(this.#loaded(filesOf(shadow)));
    } catch (error) {
      // Deciding with less than the operator agreed to is worse than denying
      this.#rooms.log.error({ err: error }, 'stored policies cannot be loaded');
      this.#refused ??= { at: this.#rooms.clock.now(), why: 'those that are stored cannot be loaded: see the log' };
    }
  }

  /** With the guardrails of this release, which may be others than those it was stored with: that is another set. */
  async #resume(record: PolicySetRecord): Promise<void> {
    const set = this.#loaded(filesOf(record));
    if (set.hash === record.hash) this.engine.swap(set);
    else await this.#makeLive(set, 'reload', 'assay');
  }

  async #makeLive(set: PolicySet, step: LiveStep, by: string): Promise<PolicySetRecord> {
    const { store, clock } = this.#rooms;
    const replaces = store.policies.live()?.hash ?? null;
    if (replaces === set.hash) throw isLive(set.hash);
    await this.#with(set, () => store.policies.setLive(rowOf(set), step, replaces, by, clock.now()));
    return this.#stored(set.hash);
  }

  async #with(set: PolicySet, write: () => Promise<void>): Promise<void> {
    this.#ready.set(set.hash, set);
    try {
      await write();
    } finally {
      this.#ready.delete(set.hash);
    }
  }

  #loaded(files: readonly PolicyFile[]): PolicySet {
    try {
      const set = PolicySet.load(files);
      this.#refused = undefined;
      return set;
    } catch (error) {
      const why = error instanceof Failure ? error.message : 'it could not be loaded';
      this.#refused = { at: this.#rooms.clock.now(), why };
      throw error;
    }
  }

  /** In commit order, before the promise of whoever wrote it resolves. */
  #changed(changes: readonly Change[]): void {
    if (!changes.some(({ kind }) => kind === 'policy')) return;
    const { policies } = this.#rooms.store;
    const live = policies.live()?.hash;
    const shadow = policies.shadow()?.hash;
    const was = this.engine.shadow;
    if (live !== this.engine.live?.hash) this.engine.swap(this.#ready.get(live ?? ''));
    if (shadow !== was?.hash) this.engine.swapShadow(this.#ready.get(shadow ?? ''));
  }

  #stored(hash: string): PolicySetRecord {
    return this.#rooms.store.policies.get(hash) as PolicySetRecord;
  }
}

/** With the guardrails and the schema, so that what was decided can be looked at again with another release. */
function rowOf(set: PolicySet): NewPolicySet {
  const files = set.files.map(({ name, text }) => ({ name, text }));
  const text = canonicalJson({ files, guardrails: GUARDRAILS, schema: SCHEMA });
  return { hash: set.hash, schemaHash: schemaHash(), text };
}

export function filesOf({ text }: Pick<PolicySetRecord, 'text'>): readonly PolicyFile[] {
  return (JSON.parse(text) as { readonly files: readonly PolicyFile[] }).files;
}

function isLive(hash: string): Failure {
  return new Failure('failed-precondition', 'POLICY_IS_LIVE', 'these policies are live already', {
    field: 'files',
    value: hash,
    hint: 'there is nothing to do',
  });
}

function nothingBefore(hash: string | undefined): Failure {
  if (hash === undefined)
    return new Failure('failed-precondition', 'POLICY_NOT_FOUND', 'no policies were live before these', {
      hint: 'list them: assay policy list',
    });
  return new Failure('not-found', 'POLICY_NOT_FOUND', 'no set of that hash was ever live', {
    field: 'hash',
    value: hash.slice(0, 80),
    hint: 'list them: assay policy list',
  });
}
