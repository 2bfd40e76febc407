// SPDX-License-Identifier: Apache-2.0
/**
 * Prepares the states of streams that carry SVIDs with their keys: which SVIDs the caller must hold for a match, which of those it
 * holds already, and a fresh key, document and issuance row for each that is missing, outgrown or due. What kind of SVID
 * that is, its craft says.
 *
 * Keys live here and on this caller's stream only (I4). A new key is made for a new stream, a renewal, or a change that
 * alters the document; every other push re-sends the same SVID and key.
 */

import type { Attested } from '../attestation/attested.ts';
import { ttlOfKindMs } from '../config/lifetimes.ts';
import { Failure } from '../lib/failure.ts';
import type { ProcessHandle } from '../peer/process-handle.ts';
import type { Grant, Match } from '../registry/match.ts';
import { reissueAt, renewAt } from '../rotation/schedule.ts';
import type { Craft } from './craft.ts';
import { marksOf } from './marks.ts';
import { noIdentity } from './refusal.ts';
import type { Rooms } from './rooms.ts';
import type { Errand } from './standing.ts';

/** Two with the same `privateKey` are the same SVID. */
interface Keyed {
  readonly privateKey: unknown;
  readonly hint: string;
}

interface Held<Svid> {
  readonly svid: Svid;
  readonly serial: string;
  /** What it was made from; another value means another SVID. */
  readonly shape: string;
  readonly authorityId: string;
  readonly notAfter: number;
  readonly renewAt: number;
  /** Drawn once, in [0, 1): what is due for many at once is spread by it. */
  readonly fraction: number;
  /** The end of entry and identity as they stood. */
  readonly endsAt: number;
  /** The end that cut its life short of the TTL, if any did: `endsAt`, or the issuer's own. */
  readonly cutShortBy: number | undefined;
  readonly seq: number;
  delivered: boolean;
}

/** When a renewal that failed is tried again; the SVID held is still valid meanwhile. */
const RENEWAL_RETRY_MS = 5_000;

export class SvidErrand<Svid extends Keyed, State extends { readonly svids: readonly Svid[] }>
  implements Errand<State>
{
  readonly #rooms: Rooms;
  readonly #process: ProcessHandle;
  readonly #craft: Craft<Svid, State>;
  readonly #held = new Map<string, Held<Svid>>();
  #sent: State | undefined;
  #retryAt: number | undefined;
  /** Why the stream ended; what is recorded after that was never sent. */
  #closed: string | undefined;

  constructor(rooms: Rooms, process: ProcessHandle, craft: Craft<Svid, State>) {
    this.#rooms = rooms;
    this.#process = process;
    this.#craft = craft;
  }

  ungranted(match: Match): Failure {
    return noIdentity(this.#process, match);
  }

  async prepare(match: Match, attested: Attested): Promise<State | undefined> {
    const asked = this.#craft.asked(match);
    this.#dropUnasked(asked);
    this.#retryAt = undefined;
    const now = this.#rooms.clock.now();
    const wanting = asked.filter((grant) => this.#wants(grant, now));
    if (wanting.length > 0 && (await this.#fetch(wanting, this.#craft.needed(asked), attested, now)) === 'stale')
      return undefined;
    return this.#assemble(match, asked);
  }

  holds(state: State): boolean {
    const sent = this.#sent;
    return (
      sent !== undefined &&
      this.#craft.sameRest(sent, state) &&
      sent.svids.length === state.svids.length &&
      sent.svids.every(
        (svid, i) => svid.privateKey === state.svids[i]?.privateKey && svid.hint === state.svids[i]?.hint,
      )
    );
  }

  delivered(state: State): void {
    this.#sent = state;
    for (const held of this.#held.values()) held.delivered = true;
  }

  get nextWake(): number | undefined {
    let due = this.#retryAt ?? Infinity;
    // What failed is due already, and waits for its retry.
    for (const held of this.#held.values())
      due = Math.min(due, Math.max(this.#dueAt(held), this.#retryAt ?? -Infinity));
    return due === Infinity ? undefined : due;
  }

  close(reason: string): void {
    this.#closed = reason;
    for (const held of this.#held.values()) this.#drop(held, reason);
    this.#held.clear();
    this.#sent = undefined;
  }

  #wants(grant: Grant, now: number): boolean {
    const held = this.#held.get(grant.entry.id);
    if (held === undefined || held.shape !== this.#shape(grant)) return true;
    // guard: I7 test/issuance/revocation.test.ts — and what was not sent yet never is
    if (this.#rooms.revocations.isRevoked(held.serial)) return true;
    if (now >= this.#dueAt(held)) return true;
    // I5: no SVID outlives its entry or identity; and one that was cut short follows an end that has moved, at once.
    if (held.notAfter > grant.endsAt) return true;
    if (held.cutShortBy === undefined) return false;
    if (held.cutShortBy === held.endsAt) return grant.endsAt !== held.endsAt;
    return held.authorityId !== this.#craft.signer();
  }

  /** Its renewal, or sooner: when its turn comes after its authority was tainted. */
  #dueAt(held: Held<Svid>): number {
    const since = this.#craft.distrustedSince(held.authorityId);
    if (since === undefined) return held.renewAt;
    // guard: BUN-19 test/issuance/taint.test.ts — nobody is handed for the first time what is not to be relied on
    if (!held.delivered) return -Infinity;
    // guard: BUN-19 test/issuance/taint.test.ts
    return Math.min(held.renewAt, reissueAt(since, held.fraction));
  }

  #shape(grant: Grant): string {
    return JSON.stringify([grant.subject, ...this.#craft.shape(grant), this.#ttlMs(grant)]);
  }

  /** The same for all kinds that are bound to a key. */
  #ttlMs(grant: Grant): number {
    const { x509TtlMs, legacyMaxTtlMs } = this.#rooms.settings;
    const { entry, identity, lease } = grant;
    const askedMs = entry.x509TtlSeconds === null ? x509TtlMs : entry.x509TtlSeconds * 1000;
    return Math.min(ttlOfKindMs(askedMs, identity.kind, legacyMaxTtlMs), lease?.x509TtlMs ?? Infinity);
  }

  async #fetch(
    wanting: readonly Grant[],
    needed: readonly Grant[],
    attested: Attested,
    now: number,
  ): Promise<'done' | 'stale'> {
    const outcomes = await Promise.allSettled(wanting.map((grant) => this.#issue(grant, attested)));
    let stale = false;
    for (const [i, outcome] of outcomes.entries()) {
      const grant = wanting[i] as Grant;
      if (outcome.status === 'fulfilled') {
        this.#replace(grant.entry.id, outcome.value);
        continue;
      }
      const error: unknown = outcome.reason;
      if (error instanceof Failure && error.reason === 'DECISION_STALE') stale = true;
      else this.#couldNot(grant, error, now, needed.includes(grant));
    }
    return stale ? 'stale' : 'done';
  }

  /** Mint, then record; the key stays here until the row is durable (I3). */
  async #issue(grant: Grant, attested: Attested): Promise<Held<Svid>> {
    const { entry, identity } = grant;
    const minted = await this.#craft.mint(grant, this.#ttlMs(grant));
    // guard: I3 test/issuance/held-commit.test.ts — no credential without its committed row
    const { seq } = await this.#rooms.ledger.record({
      serial: minted.serial,
      kind: this.#craft.kind,
      spiffeId: entry.spiffeId,
      entryId: entry.id,
      authorityId: minted.authorityId,
      issuedAt: minted.issuedAt,
      notBefore: minted.notBefore,
      notAfter: minted.notAfter,
      askedTtlMs: minted.askedTtlMs,
      audiences: [],
      pid: this.#process.pid,
      uid: this.#process.uid,
      gid: this.#process.gid,
      startTime: this.#process.startTime.toString(),
      marks: marksOf(this.#process, grant, this.#rooms.settings),
      facts: JSON.stringify(attested.facts),
      task: grant.lease?.taskId ?? null,
      decidedOn: {
        entryId: entry.id,
        entryRevision: entry.revision,
        identityRevision: identity.revision,
        authorityId: minted.authorityId,
      },
    });
    const fraction = this.#rooms.random.fraction();
    return {
      svid: minted.svid,
      serial: minted.serial,
      shape: this.#shape(grant),
      authorityId: minted.authorityId,
      notAfter: minted.notAfter,
      renewAt: renewAt({ ...minted, fraction }),
      fraction,
      endsAt: grant.endsAt,
      cutShortBy: minted.cutShortBy,
      seq,
      delivered: false,
    };
  }

  #replace(entryId: string, next: Held<Svid>): void {
    if (this.#closed !== undefined) {
      this.#drop(next, this.#closed);
      return;
    }
    const before = this.#held.get(entryId);
    if (before !== undefined) this.#drop(before, 'replaced before it was sent');
    this.#held.set(entryId, next);
  }

  /**
   * A renewal that fails leaves the SVID that is held, while it is valid. A first answer that cannot be whole is refused
   * whole, and so is one that would lack the default identity: never a lesser identity (design decision 7).
   */
  #couldNot(grant: Grant, error: unknown, now: number, isNeeded: boolean): void {
    const held = this.#held.get(grant.entry.id);
    let stillGood =
      held !== undefined && held.shape === this.#shape(grant) && held.notAfter > now && held.notAfter <= grant.endsAt;
    // guard: BUN-19 test/issuance/taint.test.ts
    if (held?.delivered === false && this.#craft.distrustedSince(held.authorityId) !== undefined) stillGood = false;
    // guard: I7 test/issuance/revocation.test.ts
    if (held !== undefined && this.#rooms.revocations.isRevoked(held.serial)) stillGood = false;
    if (!stillGood && (isNeeded || this.#sent === undefined)) throw error;
    if (!stillGood && held !== undefined) this.#held.delete(grant.entry.id);
    this.#retryAt = now + RENEWAL_RETRY_MS;
    this.#rooms.log.warn(
      { pid: this.#process.pid, entry: grant.entry.id, err: error },
      stillGood ? 'an SVID could not be renewed; the one held is still valid' : 'an SVID could not be issued yet',
    );
  }

  #dropUnasked(asked: readonly Grant[]): void {
    const granted = new Set(asked.map((grant) => grant.entry.id));
    for (const [entryId, held] of this.#held) {
      if (granted.has(entryId)) continue;
      this.#held.delete(entryId);
      this.#drop(held, 'the grant ended before it was sent');
    }
  }

  #drop(held: Held<Svid>, reason: string): void {
    if (held.delivered) return;
    this.#rooms.ledger.markUndelivered(held.seq, reason).catch((error: unknown) => {
      this.#rooms.log.warn({ seq: held.seq, err: error }, 'an SVID that was never sent could not be marked so');
    });
  }

  #assemble(match: Match, asked: readonly Grant[]): State {
    const svids: Svid[] = [];
    const unissued = new Set<Grant>();
    for (const grant of asked) {
      const held = this.#held.get(grant.entry.id);
      if (held === undefined) unissued.add(grant);
      else svids.push(held.svid.hint === grant.hint ? held.svid : { ...held.svid, hint: grant.hint });
    }
    return this.#craft.assemble(
      svids,
      match.grants.filter((grant) => !unissued.has(grant)),
    );
  }
}
