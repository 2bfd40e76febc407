// SPDX-License-Identifier: Apache-2.0
/**
 * The people who answer for identities: `human:NAME` and `team:NAME` as owners are held against what is registered here. Who leaves
 * takes nothing along: what was theirs is suspended in the same step, and waits for whoever takes it over.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { HumanRecord, HumanStore } from '../store/humans.ts';
import type { Actor, Change, IdentityRecord } from '../store/records.ts';
import type { RegistryStore } from '../store/store.ts';
import { allPages } from './all-pages.ts';
import { ownerLeft } from './due.ts';
import { actorName } from './identity-fields.ts';
import { FREE_TEXT_MAX, parseText } from './plain-text.ts';
import { again } from './retry.ts';
import { parseSshKey } from './ssh-key.ts';

export interface NewHuman {
  readonly name: string;
  readonly email?: string | undefined;
  readonly uids: readonly number[];
  readonly teams: readonly string[];
}

/** A user's or a group's name, in letters that need no quoting anywhere (attack B7: keys of Maps alone). */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const OWNER = /^(human|team):(.*)$/;
const MOST_UIDS = 16;
const MOST_TEAMS = 32;
const MOST_KEYS = 16;
const MOST_PEOPLE = 10_000;
const LAST_UID = 4_294_967_294;

export class People {
  readonly #store: HumanStore;
  readonly #identities: Pick<RegistryStore, 'listIdentities'>;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #byName = new Map<string, HumanRecord>();

  constructor(store: HumanStore, identities: Pick<RegistryStore, 'listIdentities'>, clock: Clock, most = MOST_PEOPLE) {
    this.#most = most;
    this.#store = store;
    this.#identities = identities;
    this.#clock = clock;
    for (const human of store.load()) this.#byName.set(human.name, human);
  }

  apply(change: Change & { readonly kind: 'human' }): void {
    this.#byName.set(change.key, change.human);
  }

  /** By name. */
  all(): readonly HumanRecord[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): HumanRecord | undefined {
    return this.#byName.get(name);
  }

  async add(input: NewHuman, actor: Actor): Promise<HumanRecord> {
    const name = parseName(input.name, 'name');
    const now = this.#clock.now();
    // guard: I9 test/registry/people.test.ts
    if (this.#byName.size >= this.#most) throw tooMany('people', this.#most);
    // guard: C2 test/registry/people.test.ts — one who left is not come back as another
    if (this.#byName.has(name)) throw exists(name);
    const human: HumanRecord = {
      name,
      email: input.email === undefined ? null : parseText(input.email, 'email', FREE_TEXT_MAX),
      uids: parseUids(input.uids),
      teams: parseTeams(input.teams),
      keys: [],
      active: true,
      leftReason: null,
      createdAt: now,
      createdBy: actorName(actor),
      revision: 1,
    };
    await this.#store.put(human, 'add', [], actorName(actor), now);
    return human;
  }

  /** Resolves with what was suspended for it. */
  leave(
    name: string,
    reason: string,
    actor: Actor,
  ): Promise<{ readonly human: HumanRecord; readonly suspended: readonly IdentityRecord[] }> {
    const leftReason = parseText(reason, 'reason', FREE_TEXT_MAX);
    return again(async () => {
      const before = this.#present(name);
      const now = this.#clock.now();
      const human = { ...before, active: false, leftReason, revision: before.revision + 1 };
      const suspended: IdentityRecord[] = [];
      for (const owner of this.#ownersGoneWith(before)) {
        const filter = { owner, state: 'active' } as const;
        for await (const one of allPages((page) => this.#identities.listIdentities(filter, page)))
          suspended.push({
            ...one,
            state: 'suspended',
            stateReason: ownerLeft(owner),
            stateSince: now,
            revision: one.revision + 1,
          });
      }
      // guard: I7 test/registry/people.test.ts
      await this.#store.put(human, 'leave', suspended, actorName(actor), now);
      return { human, suspended };
    });
  }

  addKey(name: string, line: string, actor: Actor): Promise<HumanRecord> {
    const key = parseSshKey(line);
    return again(async () => {
      const before = this.#present(name);
      // guard: I9 test/registry/people.test.ts
      if (before.keys.length >= MOST_KEYS) throw tooMany('keys', MOST_KEYS);
      const now = this.#clock.now();
      const added = { ...key, addedAt: now, addedBy: actorName(actor) };
      const human = { ...before, keys: [...before.keys, added], revision: before.revision + 1 };
      await this.#store.put(human, 'key_add', [], actorName(actor), now);
      return human;
    });
  }

  removeKey(name: string, fingerprint: string, actor: Actor): Promise<HumanRecord> {
    return again(async () => {
      const before = this.#known(name);
      const keys = before.keys.filter((key) => key.fingerprint !== fingerprint);
      if (keys.length === before.keys.length) throw noKey(name, fingerprint);
      const human = { ...before, keys, revision: before.revision + 1 };
      await this.#store.put(human, 'key_remove', [], actorName(actor), this.#clock.now());
      return human;
    });
  }

  /** Throws where one of them is somebody who is not here, or no longer: `human:` and `team:` are looked up, all else is text. */
  requireOwners({ owner, deputy }: { readonly owner?: string; readonly deputy?: string | null }): void {
    if (owner !== undefined) this.#require(owner, 'owner');
    if (deputy !== undefined && deputy !== null) this.#require(deputy, 'deputy');
  }

  #require(owner: string, field: string): void {
    const [, kind, name = ''] = OWNER.exec(owner) ?? [];
    if (kind === undefined) return;
    parseName(name, field);
    // guard: C1 test/registry/people.test.ts
    if (this.isGone(owner)) throw gone(owner, field);
  }

  /** Nobody answers under this name: the human has left or was never here, the team has nobody active. */
  isGone(owner: string): boolean {
    const [, kind, name = ''] = OWNER.exec(owner) ?? [];
    if (kind === 'human') return this.#byName.get(name)?.active !== true;
    return kind === 'team' && !this.all().some(({ active, teams }) => active && teams.includes(name));
  }

  /** `human:NAME`, and each team whose last active member this is. */
  #ownersGoneWith(human: HumanRecord): readonly string[] {
    const others = this.all().filter(({ name, active }) => active && name !== human.name);
    const teams = human.teams.filter((team) => !others.some((other) => other.teams.includes(team)));
    return [`human:${human.name}`, ...teams.map((team) => `team:${team}`)];
  }

  #known(name: string): HumanRecord {
    const human = this.#byName.get(name);
    if (human !== undefined) return human;
    throw new Failure('not-found', 'HUMAN_NOT_FOUND', `there is no human ${quote(name)}`, {
      field: 'name',
      value: quote(name),
      hint: 'list them with: assay human list',
    });
  }

  #present(name: string): HumanRecord {
    const human = this.#known(name);
    if (human.active) return human;
    throw new Failure('failed-precondition', 'HUMAN_LEFT', `${quote(name)} has left: ${human.leftReason}`, {
      field: 'name',
      value: name,
      hint: 'one who comes back gets another name',
    });
  }
}

function parseName(name: string, field: string): string {
  // guard: B7 test/registry/people.test.ts
  if (!NAME.test(name))
    throw new Failure('invalid-argument', 'HUMAN_NAME_INVALID', `${field} ${quote(name)} is refused: it is no name`, {
      field,
      value: quote(name),
      hint: 'use a to z, digits, dots, hyphens and underscores, at most 64',
    });
  return name;
}

function parseUids(uids: readonly number[]): readonly number[] {
  // guard: I9 test/registry/people.test.ts
  if (uids.length > MOST_UIDS) throw tooMany('uids', MOST_UIDS);
  for (const uid of uids)
    if (!Number.isSafeInteger(uid) || uid < 0 || uid > LAST_UID)
      throw new Failure('invalid-argument', 'HUMAN_UID_INVALID', `uid ${uid} is refused: it is no uid`, {
        field: 'uid',
        value: String(uid),
      });
  return [...new Set(uids)].sort((a, b) => a - b);
}

function parseTeams(teams: readonly string[]): readonly string[] {
  // guard: I9 test/registry/people.test.ts
  if (teams.length > MOST_TEAMS) throw tooMany('teams', MOST_TEAMS);
  return [...new Set(teams.map((team) => parseName(team, 'team')))].sort();
}

function exists(name: string): Failure {
  return new Failure('already-exists', 'HUMAN_EXISTS', `there is, or was, a human ${quote(name)}`, {
    field: 'name',
    value: name,
    hint: 'choose another name',
  });
}

function noKey(name: string, fingerprint: string): Failure {
  return new Failure('not-found', 'HUMAN_KEY_NOT_FOUND', `${quote(name)} has no key ${quote(fingerprint)}`, {
    field: 'fingerprint',
    value: quote(fingerprint),
    hint: `list them with: assay human show ${name}`,
  });
}

function gone(owner: string, field: string): Failure {
  const human = owner.startsWith('human:');
  const why = human ? 'there is no active human of this name' : 'the team has no active member';
  return new Failure('failed-precondition', 'OWNER_GONE', `${field} ${quote(owner)} is refused: ${why}`, {
    field,
    value: owner,
    hint: human ? 'add them first: assay human add' : 'add somebody to it first: assay human add NAME --team',
  });
}

function tooMany(what: string, most: number): Failure {
  return new Failure('resource-exhausted', 'LIMIT_REACHED', `more ${what} are refused: at most ${most}`, {
    field: what,
  });
}
