// SPDX-License-Identifier: Apache-2.0
/**
 * The contract between the daemon and anything that can say what a process is.
 *
 * An attestor gets a handle to the process and an abort signal, and answers one of three things:
 * selectors with their strength and typed facts; *does not apply*, with the reason; or it throws, which fails
 * the caller's request (UNAVAILABLE) and names the attestor to the operator. Never a lesser identity. What it throws says
 * more if it is an `AttestorError`.
 *
 * `attest` may run many times at once, for different processes. It must settle soon after `signal` aborts; the
 * engine does not wait for it longer. It must return only what it verified itself.
 *
 * Trust is continuous: an answer that can change while its process lives names what it rests on, and the attestor tells of
 * changes to that; or it says for how long it is good, where its source tells nothing. Either way the caller is looked at
 * again. What becomes of the process itself (exit, exec, another uid, another cgroup once that was asked for) is watched by
 * the daemon.
 */
import type { Strength } from '../identity/strength.ts';
import type { Clock } from '../lib/clock.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Logger } from '../telemetry/logger.ts';

export type { Strength } from '../identity/strength.ts';
export type { Clock, Timer } from '../lib/clock.ts';
export type * from '../peer/process-handle.ts';

export interface FoundSelector {
  /** Without the type: `uid:1000`, `path:/usr/bin/nginx`. The engine prefixes the attestor's name. */
  readonly value: string;
  readonly strength: Strength;
}

/** Typed facts for policy and evidence. Flat; may hold secrets, so never logged whole. */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | readonly number[]>>;

/** A kind of selector this look could not give, and why, in words for an operator. */
export interface LeftOut {
  readonly kind: string;
  readonly reason: string;
  /** True when the next look would give it, should an entry name the kind by then. */
  readonly onDemand?: boolean;
}

/** What an answer rests on besides the process. */
export interface Grounds {
  /**
   * The attestor's own names for it: a container's id, a pod's UID. Each is told of by `onChange`. An empty list: only
   * by a change of everything.
   */
  readonly restsOn?: readonly string[];
  /** The process is looked at again after so many milliseconds; 1,000 is the most that keeps a change within 2 s. */
  readonly goodForMs?: number;
}

export interface Applies extends Grounds {
  readonly applies: true;
  readonly selectors: readonly FoundSelector[];
  readonly facts: Facts;
  readonly leftOut: readonly LeftOut[];
}

export interface DoesNotApply extends Grounds {
  readonly applies: false;
  /** In words for an operator. */
  readonly reason: string;
}

export type Attestation = Applies | DoesNotApply;

/** How an attestor stands with whatever it asks, as `assay doctor` prints it. */
export interface AttestorHealth {
  /** `fail`: looks fail now. */
  readonly status: 'ok' | 'warn' | 'fail';
  /** In a sentence without a full stop. */
  readonly text: string;
  /** The next thing to try. */
  readonly hint?: string;
}

export interface Attestor {
  /** The selector type, `[a-z0-9_]+`. A selector of any other type is dropped with an error (attack A13). */
  readonly name: string;
  /** The kinds this attestor can give (`uid`, `path`) and how strong each is. */
  readonly kinds: ReadonlyMap<string, Strength>;
  /** Kinds whose values may be secrets, as a container's environment: nobody is shown more than their names (I10). */
  readonly secretKinds?: ReadonlySet<string>;
  /** `everything`: somebody wants to see all there is, also what costs much and no entry names. */
  attest(process: ProcessHandle, signal: AbortSignal, everything?: boolean): Promise<Attestation>;
  /**
   * Calls back with each ground that may have changed; with none, when all may have. May be called at any time, also
   * while a look is under way, which is then taken again. Returns the undo.
   */
  onChange?(listener: (ground?: string) => void): () => void;
  /**
   * The first open stream rests on this ground of `restsOn` from now on, or the last one no longer does: for a source that has
   * to be asked again and again, and only while somebody would be told.
   */
  restedOn?(ground: string, resting: boolean): void;
  /** From what is known already: asks nobody. */
  health?(): AttestorHealth;
  /** Frees what the attestor holds. Idempotent. */
  close?(): Promise<void>;
}

/** What a module that the configuration names is handed. */
export interface AttestorSetup {
  /** Its key in the configuration, which the attestor must have as its name. */
  readonly name: string;
  /**
   * What stands below its `config`: lists, text, numbers, booleans and objects without a prototype. Undefined where nothing
   * does. Wrong values are refused by throwing, which keeps the daemon from starting.
   */
  readonly config: unknown;
  readonly clock: Clock;
  /** Never given selectors or facts, which may hold secrets. */
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
}

/** The default export of such a module, or its export `createAttestor`. */
export type CreateAttestor = (setup: AttestorSetup) => Attestor | Promise<Attestor>;

/** Why an attestor failed, in words for the operator. They reach the caller too: nothing secret, no outside text unquoted. */
export class AttestorError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AttestorError';
  }
}
