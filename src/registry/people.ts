// SPDX-License-Identifier: Apache-2.0
/**
 * The people who answer for identities: `human:NAME` and `team:NAME` as owners are held against what is registered here. Who leaves
 * takes nothing along: what was theirs is suspended in the same step, and waits for whoever takes it over.
 */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import { parseSshKey } from '../lib/ssh-key.ts';
import type { HumanKey, HumanRecord, HumanStep, HumanStore, VouchedKey } from '../store/humans.ts';
import type { Actor, Change, IdentityRecord } from '../store/records.ts';
import { type HumanPatch, type NewHuman, parseName, parsePatch, tooMany } from './human-fields.ts';
import { actorName } from './identity-fields.ts';
import { FREE_TEXT_MAX, parseText } from './plain-text.ts';
import { again } from './retry.ts';

const OWNER = /^(human|team):(.*)$/s;
const MOST_KEYS = 16;
const MOST_PEOPLE = 10_000;

/** What one step did. */
export interface HumanChange {
  readonly human: HumanRecord;
  /** Identities that nobody answers for any more. */
  readonly suspended: readonly IdentityRecord[];
}

export class People {
  readonly #store: HumanStore;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #byName = new Map<string, HumanRecord>();
  /** Active members of each team: whoever registers an identity asks, and must not make us count them all. */
  readonly #members = new Map<string, number>();
  #sorted: readonly HumanRecord[] | undefined;
  /** Those that are on their way to the disk. */
  #adding = 0;

  constructor(store: HumanStore, clock: Clock, most = MOST_PEOPLE) {
    this.#most = most;
    this.#store = store;
    this.#clock = clock;
    for (const human of store.load()) this.#keep(human);
  }

  apply(change: Change & { readonly kind: 'human' }): void {
    this.#keep(change.human);
  }

  /** By name. */
  all(): readonly HumanRecord[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  get(name: string): HumanRecord | undefined {
    return this.#byName.get(name);
  }

  async add(input: NewHuman, actor: Actor): Promise<HumanRecord> {
    const name = parseName(input.name, 'name');
    const now = this.#clock.now();
    // guard: I9 test/registry/people.test.ts
    if (this.#byName.size + this.#adding >= this.#most) throw tooMany('people', this.#most);
    // guard: C2 test/registry/people.test.ts — one who left is not come back as another
    if (this.#byName.has(name)) throw exists(name);
    const { email, uids, teams } = input;
    const human: HumanRecord = {
      name,
      email: null,
      uids: [],
      teams: [],
      ...parsePatch({ email, uids, teams }),
      keys: [],
      active: true,
      leftReason: null,
      createdAt: now,
      createdBy: actorName(actor),
      revision: 1,
    };
    this.#adding += 1;
    try {
      await this.#store.put(human, 'add', actorName(actor), now);
    } finally {
      this.#adding -= 1;
    }
    return human;
  }

  /** Changes what is named in `patch` and nothing else; writes nothing when nothing changes. */
  update(name: string, patch: HumanPatch, actor: Actor): Promise<HumanChange> {
    const said = parsePatch(patch);
    return again(async () => {
      const before = this.#present(name);
      const human = { ...before, ...said };
      if (JSON.stringify(human) === JSON.stringify(before)) return { human: before, suspended: [] };
      return this.#write(human, 'update', actor);
    });
  }

  /** Whoever leaves is here no longer, for good; their name is never given again. */
  leave(name: string, reason: string, actor: Actor): Promise<HumanChange> {
    const leftReason = parseText(reason, 'reason', FREE_TEXT_MAX);
    return again(() => this.#write({ ...this.#present(name), active: false, leftReason }, 'leave', actor));
  }

  addKey(name: string, line: string, actor: Actor): Promise<HumanRecord> {
    const key = parseSshKey(line);
    return again(async () => {
      const before = this.#present(name);
      // guard: I9 test/registry/people.test.ts
      if (before.keys.length >= MOST_KEYS) throw tooMany('keys', MOST_KEYS);
      const added = { ...key, addedAt: this.#clock.now(), addedBy: actorName(actor), vouched: null };
      return (await this.#write({ ...before, keys: [...before.keys, added] }, 'key_add', actor)).human;
    });
  }

  /** The key as it is now. Throws ('not-found', 'HUMAN_KEY_NOT_FOUND'), ('failed-precondition', 'HUMAN_LEFT'). */
  keyOf(name: string, fingerprint: string): HumanKey {
    const key = this.#present(name).keys.find((one) => one.fingerprint === fingerprint);
    if (key === undefined) throw noKey(name, fingerprint);
    return key;
  }

  /**
   * `key`: as it was when somebody vouched for it. One that was taken away meanwhile and given again is another. `stands`: does what
   * the vouching rests on still hold? Asked again right before it is written.
   */
  vouch(name: string, key: HumanKey, vouched: VouchedKey, stands: () => void, actor: Actor): Promise<HumanRecord> {
    return again(async () => {
      const before = this.#present(name);
      // guard: C3 test/ballots/enrolments.test.ts
      if (this.keyOf(name, key.fingerprint).addedAt !== key.addedAt) throw noKey(name, key.fingerprint);
      stands();
      const keys = before.keys.map((one) => (one.fingerprint === key.fingerprint ? { ...one, vouched } : one));
      return (await this.#write({ ...before, keys }, 'key_vouch', actor)).human;
    });
  }

  removeKey(name: string, fingerprint: string, actor: Actor): Promise<HumanRecord> {
    return again(async () => {
      const before = this.#known(name);
      const keys = before.keys.filter((key) => key.fingerprint !== fingerprint);
      if (keys.length === before.keys.length) throw noKey(name, fingerprint);
      return (await this.#write({ ...before, keys }, 'key_remove', actor)).human;
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
    return kind === 'team' && !this.#members.has(name);
  }

  /** Who is suspended for it is judged where it is written: nobody comes in between. */
  async #write(changed: HumanRecord, step: HumanStep, actor: Actor): Promise<HumanChange> {
    const human = { ...changed, revision: changed.revision + 1 };
    return { human, suspended: await this.#store.put(human, step, actorName(actor), this.#clock.now()) };
  }

  #keep(human: HumanRecord): void {
    this.#count(this.#byName.get(human.name), -1);
    this.#count(human, 1);
    this.#byName.set(human.name, human);
    this.#sorted = undefined;
  }

  #count(human: HumanRecord | undefined, by: 1 | -1): void {
    if (human?.active !== true) return;
    for (const team of human.teams) {
      const members = (this.#members.get(team) ?? 0) + by;
      if (members > 0) this.#members.set(team, members);
      else this.#members.delete(team);
    }
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
