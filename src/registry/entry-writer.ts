// SPDX-License-Identifier: Apache-2.0
/** Creating and changing entries: rules first, then the store; again from the start when another write was faster. */
import type { Clock } from '../lib/clock.ts';
import { Failure, quote } from '../lib/failure.ts';
import type { Random } from '../lib/random.ts';
import type { Actor, EntryRecord, IdentityRecord } from '../store/records.ts';
import type { RegistryStore } from '../store/store.ts';
import { Ceiling } from './ceiling.ts';
import {
  claimedAlone,
  parseDnsNames,
  parseEntryId,
  parseEntrySpiffeId,
  parseExpiry,
  parseFederatesWith,
  parseParentId,
  parseSelectors,
  parseTtl,
  refuseClaimedAlone,
} from './entry-fields.ts';
import { warningsFor } from './entry-warnings.ts';
import { actorName, newIdentity, parseIdentity, refuseDifferences, type SaidOfIdentity } from './identity-fields.ts';
import type { EntryPatch, NewEntry } from './input.ts';
import type { People } from './people.ts';
import { parseHint } from './plain-text.ts';
import type { RegistryIndex } from './registry-index.ts';
import { again } from './retry.ts';
import type { EntryRules } from './rules.ts';

export interface WrittenEntry {
  readonly entry: EntryRecord;
  readonly identity: IdentityRecord;
  /** Sentences for the operator: what was done is not refused, but may surprise. */
  readonly warnings: readonly string[];
}

export interface EntryWriterRooms {
  readonly store: RegistryStore;
  readonly index: RegistryIndex;
  readonly identities: Ceiling;
  readonly hasBundle: (trustDomain: string) => boolean;
  readonly rules: EntryRules;
  readonly people: Pick<People, 'requireOwners'>;
  readonly clock: Clock;
  readonly random: Random;
}

export class EntryWriter {
  readonly #rooms: EntryWriterRooms;
  readonly #entries: Ceiling;
  #latestCreatedAt: number;

  constructor(rooms: EntryWriterRooms) {
    this.#rooms = rooms;
    this.#entries = new Ceiling('entries', rooms.rules.limits.entries, () => rooms.index.entryCount);
    this.#latestCreatedAt = rooms.index.latestCreatedAt;
  }

  async create(input: NewEntry, actor: Actor): Promise<WrittenEntry> {
    const { clock } = this.#rooms;
    const entry = this.#parse(input, actor, clock.now());
    const said = parseIdentity(input.identity ?? {}, clock.now());
    return this.#entries.hold(() => again(() => this.#make(entry, said, actor)));
  }

  async #make(entry: EntryRecord, said: SaidOfIdentity, actor: Actor): Promise<WrittenEntry> {
    const { index, store, people, identities, rules, clock } = this.#rooms;
    const by = actorName(actor);
    const known = index.identity(entry.spiffeId);
    if (known !== undefined) refuseDifferences(said, known);
    const identity = known ?? newIdentity(entry.spiffeId, said, actor, clock.now());
    if (known === undefined) people.requireOwners(identity);
    const dated = { ...entry, createdAt: this.#nextCreatedAt() };
    const warnings = warningsFor(dated, identity, index, rules, this.#rooms.hasBundle);
    if (known !== undefined) await store.createEntry(dated, undefined, by);
    else await identities.hold(() => store.createEntry(dated, identity, by));
    return { entry: dated, identity, warnings };
  }

  update(id: string, patch: EntryPatch, actor: Actor): Promise<WrittenEntry> {
    const { index, store, rules } = this.#rooms;
    return again(async () => {
      const before = index.entry(id);
      if (before === undefined) throw entryNotFound(id);
      const patched = this.#patch(before, patch);
      const identity = index.identity(before.spiffeId) as IdentityRecord;
      if (JSON.stringify(patched) === JSON.stringify(before)) return { entry: before, identity, warnings: [] };
      const entry = { ...patched, revision: before.revision + 1 };
      const warnings = warningsFor(entry, identity, index, rules, this.#rooms.hasBundle);
      await store.updateEntry(entry, actorName(actor));
      return { entry, identity, warnings };
    });
  }

  #parse(input: NewEntry, actor: Actor, now: number): EntryRecord {
    const { rules, random } = this.#rooms;
    const spiffeId = parseEntrySpiffeId(input.spiffeId, rules);
    const selectors = parseSelectors(input.selectors, rules);
    const claimed = claimedAlone(selectors, rules);
    const { entryId, parentId, x509TtlSeconds, jwtTtlSeconds, expiresAt } = input;
    // guard: A1 test/registry/entry-fields.test.ts
    if (claimed && input.acceptClaimedSelectors !== true) refuseClaimedAlone(selectors, rules);
    return {
      id: entryId === undefined ? random.bytes(16).toString('hex') : parseEntryId(entryId),
      spiffeId,
      parentId: parentId === undefined ? rules.nodeId : parseParentId(parentId, rules),
      selectors,
      x509TtlSeconds: x509TtlSeconds === undefined ? null : parseTtl(x509TtlSeconds, 'x509_ttl', rules),
      jwtTtlSeconds: jwtTtlSeconds === undefined ? null : parseTtl(jwtTtlSeconds, 'jwt_ttl', rules),
      dnsNames: parseDnsNames(input.dnsNames ?? [], rules),
      federatesWith: parseFederatesWith(input.federatesWith ?? [], rules),
      hint: parseHint(input.hint ?? ''),
      expiresAt: expiresAt === undefined ? null : parseExpiry(expiresAt, 'expires', now),
      createdAt: now,
      createdBy: actorName(actor),
      revision: 1,
      claimedAccepted: claimed,
      admin: false,
      downstream: false,
      storeSvid: false,
      jwtJti: input.jwtJti ?? false,
    };
  }

  #patch(before: EntryRecord, patch: EntryPatch): EntryRecord {
    const { rules, clock } = this.#rooms;
    const selectors = patch.selectors === undefined ? before.selectors : parseSelectors(patch.selectors, rules);
    const { x509TtlSeconds: x509, jwtTtlSeconds: jwt, expiresAt } = patch;
    return {
      ...before,
      selectors,
      claimedAccepted: this.#claimedAccepted(before, selectors, patch),
      x509TtlSeconds: patched(x509, before.x509TtlSeconds, (ttl) => parseTtl(ttl, 'x509_ttl', rules)),
      jwtTtlSeconds: patched(jwt, before.jwtTtlSeconds, (ttl) => parseTtl(ttl, 'jwt_ttl', rules)),
      dnsNames: patch.dnsNames === undefined ? before.dnsNames : parseDnsNames(patch.dnsNames, rules),
      federatesWith:
        patch.federatesWith === undefined ? before.federatesWith : parseFederatesWith(patch.federatesWith, rules),
      jwtJti: patch.jwtJti ?? before.jwtJti,
      hint: patch.hint === undefined ? before.hint : parseHint(patch.hint),
      expiresAt: patched(expiresAt, before.expiresAt, (at) => parseExpiry(at, 'expires', clock.now())),
    };
  }

  /** What was accepted for other selectors says nothing about new ones. */
  #claimedAccepted(before: EntryRecord, selectors: readonly string[], patch: EntryPatch): boolean {
    const { rules } = this.#rooms;
    const sameSelectors = selectors.join('\n') === before.selectors.join('\n');
    if (sameSelectors && patch.acceptClaimedSelectors === undefined) return before.claimedAccepted;
    const claimed = claimedAlone(selectors, rules);
    // guard: A1 test/registry/entry-update.test.ts
    if (claimed && patch.acceptClaimedSelectors !== true) refuseClaimedAlone(selectors, rules);
    return claimed;
  }

  /** Never earlier than an existing entry's, though the clock went back: a new entry changes nobody's default. */
  #nextCreatedAt(): number {
    const now = this.#rooms.clock.now();
    this.#latestCreatedAt = now >= this.#latestCreatedAt ? now : this.#latestCreatedAt + 1;
    return this.#latestCreatedAt;
  }
}

/** Absent keeps what was, null takes it away. */
function patched<T>(said: T | null | undefined, before: T | null, parse: (said: T) => T): T | null {
  if (said === undefined) return before;
  return said === null ? null : parse(said);
}

export function entryNotFound(id: string): Failure {
  return new Failure('not-found', 'ENTRY_NOT_FOUND', `there is no entry ${quote(id)}`, {
    field: 'entry_id',
    value: id,
    hint: 'list them with: assay entry list',
  });
}
