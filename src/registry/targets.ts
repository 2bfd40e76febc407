// SPDX-License-Identifier: Apache-2.0
/**
 * The services and systems that tasks are for: what can be asked of each, how bad a mistake there is, and who answers for it. What
 * nobody answers for any more, or nobody has looked at again in time, policies deny.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { PolicyTarget } from '../policy/contract.ts';
import type { Actor, Change } from '../store/records.ts';
import type { TargetRecord, TargetStore } from '../store/targets.ts';
import { parseExpiry } from './entry-fields.ts';
import { actorName, parseOwner } from './identity-fields.ts';
import type { People } from './people.ts';
import { ENVIRONMENT_MAX, FREE_TEXT_MAX, parseText } from './plain-text.ts';
import { again } from './retry.ts';

/** All of it: what is not said is not kept from before, but `owner`, who is then who writes it. */
export interface NewTarget {
  readonly name: string;
  readonly owner?: string | undefined;
  readonly environment: string;
  readonly impact: string;
  readonly intents: readonly string[];
  /** Among them; none where absent. */
  readonly irrevocable?: readonly string[] | undefined;
  readonly audiences: readonly string[];
  readonly thirdParty: boolean;
  /** Milliseconds UTC. */
  readonly reviewBy?: number | undefined;
  /** Milliseconds UTC; 365 days where absent. */
  readonly expiresAt?: number | undefined;
}

/** Letters that need no quoting in a policy, a shell or a token (attack B7: keys of Maps alone). */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const INTENT = /^[a-z0-9][a-z0-9:._-]{0,63}$/;
/** A URI or a name, in visible ASCII: what a verifier compares byte by byte. */
const AUDIENCE = /^[\x21-\x7e]{1,512}$/;
const MOST_INTENTS = 256;
const MOST_AUDIENCES = 32;
const MOST_TARGETS = 10_000;
const LIFE_MS = 365 * 86_400_000;

export class Targets {
  readonly #store: TargetStore;
  readonly #people: Pick<People, 'requireOwners' | 'isGone'>;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #byName = new Map<string, TargetRecord>();

  constructor(store: TargetStore, people: Pick<People, 'requireOwners' | 'isGone'>, clock: Clock, most = MOST_TARGETS) {
    this.#store = store;
    this.#people = people;
    this.#clock = clock;
    this.#most = most;
    for (const target of store.load()) this.#byName.set(target.name, target);
  }

  apply(change: Change & { readonly kind: 'target' }): void {
    this.#byName.set(change.key, change.target);
  }

  /** By name, also those that are retired. */
  all(): readonly TargetRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): TargetRecord | undefined {
    return this.#byName.get(name);
  }

  /** Nobody answers for it any more. */
  isOrphaned({ owner }: TargetRecord): boolean {
    return this.#people.isGone(owner);
  }

  /** As policies see it; undefined where there is none of that name. */
  forPolicy(name: string): PolicyTarget | undefined {
    const target = this.#byName.get(name);
    if (target === undefined) return undefined;
    const { owner, environment, impact, intents, irrevocable, thirdParty, reviewBy, expiresAt } = target;
    // guard: C1 test/registry/targets.test.ts
    const retired = target.retiredAt !== null || this.isOrphaned(target);
    return { name, owner, environment, impact, intents, irrevocable, thirdParty, reviewBy, expiresAt, retired };
  }

  /** Creates it, or writes it anew, whole. */
  put(input: NewTarget, actor: Actor): Promise<TargetRecord> {
    const now = this.#clock.now();
    const said = parseTarget(input, actor, now);
    this.#people.requireOwners({ owner: said.owner });
    return again(async () => {
      const before = this.#byName.get(said.name);
      // guard: I9 test/registry/targets.test.ts
      if (before === undefined && this.#byName.size >= this.#most)
        throw tooMany('targets', this.#byName.size + 1, this.#most);
      if (before?.retiredAt != null) throw retired(said.name);
      const target: TargetRecord = {
        ...said,
        createdAt: before?.createdAt ?? now,
        createdBy: before?.createdBy ?? actorName(actor),
        retiredAt: null,
        retiredBy: null,
        retireReason: null,
        revision: (before?.revision ?? 0) + 1,
      };
      await this.#store.put(target, 'put', actorName(actor), now);
      return target;
    });
  }

  /** For good: its name is never another's, and no policy allows it anything. */
  retire(name: string, reason: string, actor: Actor): Promise<TargetRecord> {
    const retireReason = parseText(reason, 'reason', FREE_TEXT_MAX);
    return again(async () => {
      const before = this.#byName.get(name);
      if (before === undefined) throw notFound(name);
      if (before.retiredAt !== null) throw retired(name);
      const now = this.#clock.now();
      const by = actorName(actor);
      const target = { ...before, retiredAt: now, retiredBy: by, retireReason, revision: before.revision + 1 };
      await this.#store.put(target, 'retire', by, now);
      return target;
    });
  }
}

type Said = Omit<TargetRecord, 'createdAt' | 'createdBy' | 'retiredAt' | 'retiredBy' | 'retireReason' | 'revision'>;

function parseTarget(input: NewTarget, actor: Actor, now: number): Said {
  const { name, owner, impact, thirdParty } = input;
  // guard: B7 test/registry/targets.test.ts
  if (!NAME.test(name)) throw invalid('name', name, 'use a to z, digits, dots, hyphens and underscores, at most 64');
  if (impact !== 'low' && impact !== 'high')
    throw invalid('impact', impact, 'say low, or high where a mistake cannot be taken back');
  const intents = parseList(input.intents, INTENT, 'intent', MOST_INTENTS, 1);
  return {
    name,
    owner: owner === undefined ? actorName(actor) : parseOwner(owner, 'owner'),
    environment: parseText(input.environment, 'env', ENVIRONMENT_MAX),
    impact,
    intents,
    irrevocable: parseIrrevocable(input.irrevocable ?? [], intents),
    audiences: parseList(input.audiences, AUDIENCE, 'audience', MOST_AUDIENCES, 0),
    thirdParty,
    reviewBy: parseReview(thirdParty, input.reviewBy, now),
    expiresAt: input.expiresAt === undefined ? now + LIFE_MS : within(input.expiresAt, 'expires', now),
  };
}

/** One that is none of its intents would be thought to be guarded, and the real one would not be. */
function parseIrrevocable(list: readonly string[], intents: readonly string[]): readonly string[] {
  const irrevocable = parseList(list, INTENT, 'irrevocable', MOST_INTENTS, 0);
  const other = irrevocable.find((one) => !intents.includes(one));
  // guard: C3 test/registry/targets.test.ts
  if (other !== undefined) throw invalid('irrevocable', other, 'name one of the intents');
  return irrevocable;
}

function parseReview(thirdParty: boolean, reviewBy: number | undefined, now: number): number | null {
  // guard: C1 test/registry/targets.test.ts — OWASP NHI3:2025
  if (thirdParty && reviewBy === undefined)
    throw new Failure('invalid-argument', 'REVIEW_REQUIRED', 'review_by is missing: a third party needs one', {
      field: 'review_by',
      hint: 'say with --review-by by when somebody looks at it again, at most 365 days from now',
    });
  if (reviewBy === undefined) return null;
  if (!thirdParty)
    throw invalid('review_by', new Date(reviewBy).toISOString(), 'only a third party has one: --third-party');
  return within(reviewBy, 'review_by', now);
}

function within(at: number, field: string, now: number): number {
  const end = parseExpiry(at, field, now);
  // guard: I9 test/registry/targets.test.ts
  if (end > now + LIFE_MS) throw invalid(field, new Date(end).toISOString(), 'at most 365 days from now are allowed');
  return end;
}

function parseList(
  list: readonly string[],
  form: RegExp,
  field: string,
  most: number,
  least: number,
): readonly string[] {
  // guard: I9 test/registry/targets.test.ts
  if (list.length > most) throw tooMany(`${field}s`, list.length, most);
  if (list.length < least)
    throw new Failure('invalid-argument', 'TARGET_INVALID', `${field} is missing: a target has at least ${least}`, {
      field,
      hint: `give --${field} once for each`,
    });
  for (const one of list) {
    // guard: B7 test/registry/targets.test.ts
    if (!form.test(one))
      throw invalid(
        field,
        one,
        field !== 'audience' ? 'use a to z, digits and : . _ -, at most 64' : 'use visible ASCII, at most 512',
      );
  }
  return [...new Set(list)].sort();
}

function invalid(field: string, value: string, hint: string): Failure {
  return new Failure('invalid-argument', 'TARGET_INVALID', `${field} ${quote(value)} is refused: ${hint}`, {
    field,
    value: quote(value),
    hint,
  });
}

function tooMany(what: string, count: number, most: number): Failure {
  return new Failure(
    'resource-exhausted',
    'LIMIT_REACHED',
    `${count} ${what} are refused: at most ${most} are allowed`,
    {
      field: what,
      value: String(count),
      hint: 'use fewer',
    },
  );
}

function notFound(name: string): Failure {
  return new Failure('not-found', 'TARGET_NOT_FOUND', `there is no target ${quote(name)}`, {
    field: 'name',
    value: quote(name),
    hint: 'list them with: assay target list',
  });
}

function retired(name: string): Failure {
  return new Failure('failed-precondition', 'TARGET_RETIRED', `target ${quote(name)} is retired, and stays so`, {
    field: 'name',
    value: name,
    hint: 'register it under another name',
  });
}
